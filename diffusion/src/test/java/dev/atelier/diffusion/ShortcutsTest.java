package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetAnswer;
import dev.atelier.model.UNetConditioning;
import dev.atelier.model.UNetShortcut;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which calls of a run take which shortcut. */
class ShortcutsTest {
    /** Keeps the latents of whole calls, and writes down how it was called. */
    private static final class Recorder extends LinearModel {
        private final List<String> shortcuts = new ArrayList<>();

        @Override
        public UNetAnswer predictNoise(
                FloatArray latents, float[] timesteps, UNetConditioning conditioning, UNetShortcut shortcut) {
            FloatArray deep = shortcut.deep();
            shortcuts.add((deep == null ? "W" : "s") + latents.size(0));
            if (deep != null) {
                assertThat(deep.shape()).isEqualTo(latents.shape());
            }
            boolean keeps = deep == null && shortcut.depth() > 0;
            return new UNetAnswer(predictNoise(latents, timesteps, conditioning), keeps ? latents : null);
        }
    }

    private final Recorder model = new Recorder();

    private String calls(GenerationRequest request) {
        model.shortcuts.clear();
        new Pipeline(model, () -> new ModelLabel("linear", null), "Atelier 1.0")
                .generate(request, (phase, done, total) -> {});
        return String.join("", model.shortcuts);
    }

    private static GenerationRequest request(String sampler, int interval) {
        return GenerationRequest.of("a cat")
                .sampler(sampler)
                .steps(5)
                .seed(7)
                .size(64, 64)
                .acceleration(new Acceleration(interval, 1, 0, 0));
    }

    /** Rows of prompt and negative prompt go in together; Heun's method calls the network twice a step. */
    @ParameterizedTest
    @CsvSource({
        "Euler, 1, W2W2W2W2W2",
        "Euler, 2, W2s2W2s2W2",
        "Euler, 3, W2s2s2W2s2",
        "Heun, 3, W2s2s2W2s2s2W2s2s2",
    })
    void onlyEverySoManyCallIsWhole(String sampler, int interval, String calls) {
        assertThat(calls(request(sampler, interval))).isEqualTo(calls);
    }

    @Test
    void promptsOfOtherLengthsGoInOneAfterTheOther() {
        GenerationRequest request = request("Euler", 2).negativePrompt("bad ".repeat(100));
        assertThat(calls(request)).isEqualTo("W1W1s1s1W1W1s1s1W1W1");
    }

    /** At the beginning the negative prompt is left out, so nothing is kept for it. */
    @Test
    void rowsThatWereNotKeptAreComputed() {
        GenerationRequest request = request("Euler", 5).guidance(new GuidanceOptions(0.2, 0, false, false));
        assertThat(calls(request)).isEqualTo("W1s1W2s2s2");
    }

    @Test
    void whereTheNegativePromptIsLeftOutTheRowsOfThePromptAreUsed() {
        GenerationRequest request = request("Euler", 5).guidance(new GuidanceOptions(0, 1, true, false));
        assertThat(calls(request)).isEqualTo("W2s2s2s1s1");
    }

    @Test
    void theSecondPassOfAHiresFixBeginsAnew() {
        HiresFix hires = HiresFix.by(2).denoisingStrength(0.5).steps(4);
        assertThat(calls(request("Euler", 4).hiresFix(hires))).isEqualTo("W2s2s2s2W2W2s2s2s2");
    }

    @Test
    void tokensAreMergedByTheRatioOfThePass() {
        List<Double> ratios = new ArrayList<>();
        LinearModel watched = new LinearModel() {
            @Override
            public UNetAnswer predictNoise(
                    FloatArray latents, float[] timesteps, UNetConditioning conditioning, UNetShortcut shortcut) {
                ratios.add(shortcut.mergedTokens());
                return new UNetAnswer(predictNoise(latents, timesteps, conditioning), null);
            }
        };
        GenerationRequest request = request("Euler", 1)
                .steps(1)
                .acceleration(new Acceleration(1, 1, 0.25, 0.5))
                .hiresFix(HiresFix.by(2).denoisingStrength(0.5).steps(2));
        List<GeneratedImage> images = new Pipeline(watched, () -> new ModelLabel("linear", null), "Atelier 1.0")
                .generate(request, (phase, done, total) -> {});
        assertThat(ratios).containsExactly(0.25, 0.5, 0.5);
        Infotext infotext = Infotext.parse(images.getFirst().infotext());
        assertThat(infotext.parameters())
                .containsEntry("Token merging ratio", "0.25")
                .containsEntry("Token merging ratio hr", "0.5");
        assertThat(infotext.request().acceleration()).isEqualTo(request.acceleration());
    }
}
