package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.AlphasCumprod;
import dev.atelier.model.FloatArray;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs from a picture, held to those of k-diffusion's samplers under AUTOMATIC1111's plan of steps. */
class ImageToImageTest {
    private static final Fixture FIXTURE = Fixture.open("image-to-image.safetensors");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Euler Uniform|20|0.6",
                "DPM++ 2M Karras|20|0.35",
                "DPM++ 2M Karras|20|1.0",
                "DPM2 Karras|12|0.5",
                "Heun Uniform|8|0.4|exact",
                "DPM++ 2M Karras|20|0.05",
                "DPM fast|15|0.5",
                "Euler Uniform|20|0.6|extra",
                "Euler Uniform|20|0.6|masked",
                "DDIM|20|0.5",
                "DDIM|30|0.8",
                "DDIM|20|0.5|masked"
            })
    void theRunEndsWhereTheReferenceDoes(String run) {
        String[] words = run.split("\\|");
        SamplerChoice choice = SamplerChoice.named(words[0]);
        boolean exact = run.endsWith("exact");
        Strength strength = Strength.of(Double.parseDouble(words[2]), Integer.parseInt(words[1]), exact);
        NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());
        Levels levels =
                Levels.fromPicture(choice, schedule, SamplerOptions.DEFAULT, strength, run.endsWith("extra") ? 0.1 : 0);
        FloatArray picture = FIXTURE.array("picture");
        FloatArray mu = FIXTURE.array("mu");
        Denoiser gauss = (x, sigma) -> {
            double variance = (double) sigma * sigma;
            return Latents.weighted(1 / (1 + variance), x, variance / (1 + variance), mu);
        };
        MaskedDenoiser masked =
                new MaskedDenoiser(gauss, choice.name().space(), schedule, picture, FIXTURE.array("drawn"), null);
        boolean isMasked = run.endsWith("masked");
        BatchSeeds seeds = BatchSeeds.from(NoiseSource.CPU, 1, 1);

        FloatArray result = new SamplerRun(
                        choice.name(),
                        schedule,
                        new SamplerOptions(0.0, 0, 0, 0, 1),
                        levels,
                        seeds,
                        new BatchNoise(seeds, 4, 2, 2))
                .run(
                        isMasked ? masked : gauss,
                        levels.start(picture, FIXTURE.array("noise")),
                        (step, steps, denoised) -> GenerationListener.Course.CONTINUE)
                .latents();

        FloatArray ended = isMasked ? masked.finish(result) : result;
        assertThat(ended.values()).containsExactly(FIXTURE.array(run).values(), within(2e-5f));
    }

    /** The numbers are AUTOMATIC1111's: {@code setup_img2img_steps}. */
    @ParameterizedTest
    @CsvSource({
        "0.25, 20, false, 20, 5",
        "0.5, 20, false, 20, 10",
        "0.75, 20, false, 20, 15",
        "1, 20, false, 20, 19",
        "0, 20, false, 20, 0",
        "0.7, 20, true, 28, 19",
        "1, 10, true, 10, 9",
        "0, 10, true, 0, 9"
    })
    void stepsAreSharedOutByTheStrength(double denoising, int steps, boolean exact, int planned, int last) {
        assertThat(Strength.of(denoising, steps, exact)).isEqualTo(new Strength(planned, last));
    }

    @ParameterizedTest
    @CsvSource({
        "UniPC, 20",
        "PLMS, 20",
        "DDIM CFG++, 20",
        "UniPC, 1",
        "DDIM, 1",
        "DPM adaptive, 20",
        "LCM, 8",
        "TCD, 8",
        "Euler a CFG++, 20",
        "Restart, 40"
    })
    void everyKindOfSamplerCanStartFromAPicture(String sampler, int steps) {
        SamplerChoice choice = SamplerChoice.named(sampler);
        NoiseSchedule schedule = choice.name().schedule(new NoiseSchedule(AlphasCumprod.scaledLinear()));
        FloatArray picture = FIXTURE.array("picture");
        Denoiser settled = (x, sigma) -> picture;
        BatchSeeds seeds = BatchSeeds.from(NoiseSource.CPU, 1, 1);
        for (double denoising : new double[] {0, 0.1, 0.5, 1}) {
            Levels levels = Levels.fromPicture(
                    choice, schedule, SamplerOptions.DEFAULT, Strength.of(denoising, steps, false), 0);
            BatchNoise noise = new BatchNoise(seeds, 4, 2, 2);
            FloatArray result = new SamplerRun(choice.name(), schedule, SamplerOptions.DEFAULT, levels, seeds, noise)
                    .run(
                            settled,
                            levels.start(picture, noise.first()),
                            (step, n, denoised) -> GenerationListener.Course.CONTINUE)
                    .latents();
            // a network that knows the picture leads back to it, but for the last level's noise
            assertThat(result.values()).containsExactly(picture.values(), within(0.2f));
        }
    }
}
