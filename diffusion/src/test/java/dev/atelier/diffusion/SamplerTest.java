package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

class SamplerTest {
    private static final StepListener NOBODY = (step, steps) -> {};

    record Run(
            String sampler,
            String denoiser,
            float[] sigmas,
            float[] modelSigmas,
            List<float[]> modelInputs,
            float[] result) {
        @Override
        public String toString() {
            return "%s on %s, sigmas %s %s ...".formatted(sampler, denoiser, sigmas[0], sigmas[1]);
        }
    }

    record Recorded(float[] mu, List<Run> runs) {}

    private static final Recorded RECORDED = recorded();

    private static Recorded recorded() {
        InputStream json = SamplerTest.class.getResourceAsStream("sampler-trajectories.json");
        return JsonMapper.shared().readValue(json, Recorded.class);
    }

    static Stream<Run> runsOfKDiffusion() {
        return RECORDED.runs.stream();
    }

    /** The model of a run, which also writes down how it was called. */
    private static final class Analytic implements Denoiser {
        final List<Float> sigmas = new ArrayList<>();
        final List<float[]> inputs = new ArrayList<>();
        private final String formula;

        Analytic(String formula) {
            this.formula = formula;
        }

        @Override
        public FloatArray denoise(FloatArray x, float sigma) {
            sigmas.add(sigma);
            inputs.add(x.values().clone());
            float[] denoised = new float[x.values().length];
            for (int i = 0; i < denoised.length; i++) {
                denoised[i] = (float) denoise(i, x.values()[i], (double) sigma * sigma);
            }
            return FloatArray.of(denoised, x.shape());
        }

        private double denoise(int i, double x, double variance) {
            double v = 0.25;
            return switch (formula) {
                case "gauss" -> (x + RECORDED.mu[i] * variance) / (1 + variance);
                case "mix" -> (v * x + variance * Math.tanh(x / (v + variance))) / (v + variance);
                default -> throw new IllegalArgumentException(formula);
            };
        }
    }

    @ParameterizedTest
    @MethodSource("runsOfKDiffusion")
    void everyModelCallAndTheResultAreThoseOfKDiffusion(Run run) {
        Analytic model = new Analytic(run.denoiser);
        FloatArray start = FloatArray.of(run.modelInputs.getFirst(), 1, 4, 2, 2);

        FloatArray result = SamplerChoice.named(run.sampler).name().sampler().sample(model, start, run.sigmas, NOBODY);

        assertThat(model.sigmas).hasSize(run.modelSigmas.length);
        for (int i = 0; i < run.modelSigmas.length; i++) {
            assertThat(model.sigmas.get(i)).isEqualTo(run.modelSigmas[i]);
            assertClose(model.inputs.get(i), run.modelInputs.get(i));
        }
        assertClose(result.values(), run.result);
        assertThat(result.shape()).containsExactly(1, 4, 2, 2);
    }

    @Test
    void theRecordedRunsCoverEverySampler() {
        assertThat(runsOfKDiffusion().map(Run::sampler).distinct())
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(SamplerName.values())
                        .map(SamplerName::label)
                        .toList());
    }

    @ParameterizedTest
    @EnumSource
    void theStartIsLeftUntouched(SamplerName name) {
        float[] noise = {1, 2, 3, 4};
        name.sampler().sample((x, sigma) -> x, FloatArray.of(noise, 1, 4, 1, 1), new float[] {2, 1, 0}, NOBODY);
        assertThat(noise).containsExactly(1, 2, 3, 4);
    }

    @ParameterizedTest
    @EnumSource
    void theListenerHearsOfEveryStepAndMayCancel(SamplerName name) {
        List<String> heard = new ArrayList<>();
        FloatArray x = FloatArray.of(new float[4], 1, 4, 1, 1);
        assertThatThrownBy(() -> name.sampler().sample((v, sigma) -> v, x, new float[] {3, 2, 1, 0}, (step, steps) -> {
                    heard.add(step + "/" + steps);
                    if (step == 2) {
                        throw new CancellationException();
                    }
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(heard).containsExactly("1/3", "2/3");
    }

    private static void assertClose(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(2e-5f + 2e-5f * Math.abs(expected[i])));
        }
    }
}
