package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.diffusion.GenerationListener.Phase;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PipelineTest {
    private static final GenerationListener NOBODY = (phase, done, total) -> {};

    private final LinearModel model = new LinearModel();
    private final Pipeline pipeline = pipeline(model, "linear");

    private static Pipeline pipeline(LinearModel model, String name) {
        return new Pipeline(model, () -> new ModelLabel(name, "0123456789"), "Atelier 1.0");
    }

    private static GenerationRequest request(String prompt, String sampler, long seed, int images) {
        return GenerationRequest.of(prompt)
                .negativePrompt("blurry")
                .sampler(sampler)
                .seed(seed)
                .size(128, 64)
                .batchSize(images);
    }

    @Test
    void aBatchHoldsThePicturesOfItsSeeds() {
        List<GeneratedImage> batch = pipeline.generate(request("a cat", "DPM++ 2M", 41, 3), NOBODY);
        assertThat(batch).extracting(GeneratedImage::seed).containsExactly(41L, 42L, 43L);
        for (GeneratedImage image : batch) {
            GeneratedImage single = pipeline.generate(request("a cat", "DPM++ 2M", image.seed(), 1), NOBODY)
                    .getFirst();
            assertThat(pixels(image)).containsExactly(pixels(single));
            assertThat(image.infotext()).isEqualTo(single.infotext());
        }
        assertThat(pixels(batch.get(0))).isNotEqualTo(pixels(batch.get(1)));
    }

    static Stream<String> everySamplerAndEveryScheduler() {
        return Stream.concat(
                // these are for networks that do not answer with the mean of what is possible, as this one does
                Arrays.stream(SamplerName.values())
                        .filter(name -> name != SamplerName.LCM && name != SamplerName.TCD)
                        .map(SamplerName::label),
                Arrays.stream(Scheduler.values()).map(scheduler -> "Euler " + scheduler.label()));
    }

    @ParameterizedTest
    @MethodSource("everySamplerAndEveryScheduler")
    void thePictureIsASampleOfTheModelsDistribution(String sampler) {
        List<FloatArray> decoded = new ArrayList<>();
        LinearModel recording = new LinearModel() {
            @Override
            public FloatArray decode(FloatArray latents) {
                decoded.add(latents);
                return super.decode(latents);
            }
        };
        GenerationRequest request = GenerationRequest.of("")
                .steps(40)
                .sampler(sampler)
                .cfgScale(1)
                .seed(5)
                .rng(NoiseSource.CPU);

        pipeline(recording, "linear").generate(request, NOBODY);

        FloatArray latent = decoded.getFirst();
        assertThat(latent.shape()).containsExactly(1, 4, 64, 64);
        double mean = 0;
        double square = 0;
        for (float value : latent.values()) {
            mean += value / (double) latent.values().length;
            square += (double) value * value / latent.values().length;
        }
        // an empty prompt is BOS and 76 EOS, whose mean is just below 1; the run starts from noise around 0, not around
        // that mean, and up to 1/√(1 + σ²) of the difference remains, σ being the first noise level
        assertThat(mean).isBetween(1 - 1 / Math.hypot(1, 11) - 0.02, 1.02);
        assertThat(Math.sqrt(square - mean * mean)).isCloseTo(1, within(0.1));
    }

    @ParameterizedTest
    @CsvSource({"Euler a", "DPM++ 2M SDE", "Restart", "LCM"})
    void aBatchHoldsThePicturesOfItsSeedsAlsoWhereNoiseIsAdded(String sampler) {
        List<GeneratedImage> batch = pipeline.generate(request("a cat", sampler, 41, 2), NOBODY);
        for (GeneratedImage image : batch) {
            GeneratedImage single = pipeline.generate(request("a cat", sampler, image.seed(), 1), NOBODY)
                    .getFirst();
            assertThat(pixels(image)).containsExactly(pixels(single));
        }
    }

    /** A cat for half of the steps: prompt editing counts calls of the network, and Heun makes two in a step. */
    @ParameterizedTest
    @CsvSource({"Euler, 6, 4", "Heun, 11, 8"})
    void aShareOfTheStepsIsTheSameForEverySampler(String sampler, int cats, int dogs) {
        List<Float> words = new ArrayList<>();
        LinearModel recording = new LinearModel() {
            @Override
            public FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning context) {
                words.add(context.context().values()[1]);
                return super.predictNoise(latents, timesteps, context);
            }
        };
        GenerationRequest request =
                GenerationRequest.of("[cat:dog:0.5]").steps(10).sampler(sampler).size(64, 64);

        pipeline(recording, "linear").generate(request, NOBODY);

        List<Float> expected = new ArrayList<>(Collections.nCopies(cats, 2368 / 49408f));
        expected.addAll(Collections.nCopies(dogs, 1929 / 49408f));
        assertThat(words).isEqualTo(expected);
    }

    @Test
    void sizesReachTheModelInLatentCells() {
        GeneratedImage image =
                pipeline.generate(request("a cat", "Euler", 1, 1), NOBODY).getFirst();
        assertThat(image.pixels().getWidth()).isEqualTo(128);
        assertThat(image.pixels().getHeight()).isEqualTo(64);
    }

    @Test
    void picturesAreDecodedOneByOne() {
        pipeline.generate(request("a cat", "Euler", 1, 2), NOBODY);
        assertThat(model.calls)
                .startsWith("encode 1", "encode 1", "unet 4x77")
                .endsWith("decode 1", "decode 1")
                .hasSize(2 + 20 + 2);
    }

    @Test
    void aLongPromptTakesAsManyWindowsAsItNeeds() {
        pipeline.generate(request("cat ".repeat(80), "Euler", 1, 1), NOBODY);
        assertThat(model.calls).startsWith("encode 2", "encode 1", "unet 1x154", "unet 1x77");
    }

    @Test
    void theInfotextTellsHowThePictureWasMade() {
        GeneratedImage image =
                pipeline.generate(request("a cat", "DPM++ 2M", 42, 1), NOBODY).getFirst();
        assertThat(image.infotext()).isEqualTo("""
                        a cat
                        Negative prompt: blurry
                        Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.0, Seed: 42, Size: 128x64, \
                        Model hash: 0123456789, Model: linear, RNG: NV, Version: Atelier 1.0""");
    }

    @Test
    void theListenerHearsOfEveryPhase() {
        List<String> heard = new ArrayList<>();
        GenerationRequest request =
                GenerationRequest.of("a").steps(3).sampler("Euler").size(64, 64).batchSize(2);
        pipeline.generate(request, (phase, done, total) -> heard.add(phase + " " + done + "/" + total));
        assertThat(heard)
                .containsExactly(
                        "ENCODING 0/2",
                        "ENCODING 1/2",
                        "ENCODING 2/2",
                        "SAMPLING 0/3",
                        "SAMPLING 1/3",
                        "SAMPLING 2/3",
                        "SAMPLING 3/3",
                        "DECODING 0/2",
                        "DECODING 1/2",
                        "DECODING 2/2");
    }

    @Test
    void aListenerThatThrowsEndsTheRunAtThatStep() {
        assertThatThrownBy(() -> pipeline.generate(request("a cat", "DPM++ 2M", 1, 1), (phase, done, total) -> {
                    if (phase == Phase.SAMPLING && done == 3) {
                        throw new CancellationException("enough");
                    }
                }))
                .isInstanceOf(CancellationException.class)
                .hasMessage("enough");
        assertThat(model.calls).hasSize(2 + 3);
    }

    @Test
    void aValueThatIsNotANumberIsNamedWithItsSeed() {
        LinearModel broken = new LinearModel() {
            @Override
            public FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning context) {
                FloatArray noise = super.predictNoise(latents, timesteps, context);
                noise.values()[latents.values().length - 1] = Float.NaN;
                return noise;
            }
        };
        Pipeline brokenPipeline = pipeline(broken, "broken");
        assertThatThrownBy(() -> brokenPipeline.generate(request("a cat", "Euler", 8, 2), NOBODY))
                .isInstanceOf(ArithmeticException.class)
                .hasMessage("the UNet of broken produced NaN for the image with seed 9");
    }

    private static int[] pixels(GeneratedImage image) {
        int width = image.pixels().getWidth();
        int height = image.pixels().getHeight();
        return image.pixels().getRGB(0, 0, width, height, null, 0, width);
    }
}
