package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.diffusion.Recordings.Run;
import dev.atelier.model.AlphasCumprod;
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
    private static final StepNoise SILENCE = (sigma, next) -> FloatArray.of(new float[4], 1, 4, 1, 1);

    private final NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());

    static Stream<Run> recordedRuns() {
        return Recordings.STORED.runs().stream();
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
            return denoise(x, sigma, 1);
        }

        /** With the guidance of the CFG++ runs: 7/12.5, against a mean on the other side. */
        @Override
        public Guided guide(FloatArray x, float sigma) {
            FloatArray conditional = denoise(x, sigma);
            FloatArray unconditional = denoise(x, sigma, -0.5);
            double scale = SamplerName.DDIM_CFG_PLUS_PLUS.guidance(7);
            return new Guided(Latents.weighted(scale, conditional, 1 - scale, unconditional), unconditional);
        }

        private FloatArray denoise(FloatArray x, float sigma, double mean) {
            float[] denoised = new float[x.values().length];
            for (int i = 0; i < denoised.length; i++) {
                denoised[i] =
                        (float) denoise(x.values()[i], mean * Recordings.STORED.mu()[i % 16], (double) sigma * sigma);
            }
            return FloatArray.of(denoised, x.shape());
        }

        private double denoise(double x, double mu, double variance) {
            double v = 0.25;
            return switch (formula) {
                case "gauss" -> (x + mu * variance) / (1 + variance);
                case "mix" -> (v * x + variance * Math.tanh(x / (v + variance))) / (v + variance);
                default -> throw new IllegalArgumentException(formula);
            };
        }
    }

    /** Row after row of the recorded noise. */
    private static final class RecordedNoise implements StepNoise {
        final List<float[]> drawnBetween = new ArrayList<>();

        @Override
        public FloatArray between(float sigma, float next) {
            float[] row = Recordings.STORED.noise().get(drawnBetween.size());
            drawnBetween.add(new float[] {sigma, next});
            return FloatArray.of(row.clone(), 1, 4, 2, 2);
        }
    }

    @ParameterizedTest
    @MethodSource("recordedRuns")
    void everyModelCallEveryDrawAndTheResultAreThoseOfTheOriginal(Run run) {
        SamplerName name = SamplerName.find(run.sampler()).orElseThrow();
        float[] sigmas = run.sigmas() != null
                ? Recordings.STORED.sigmas().get(run.sigmas())
                : SamplerChoice.named(run.sampler()).sigmas(schedule, run.options(), run.steps());
        Analytic model = new Analytic(run.denoiser());
        RecordedNoise noise = new RecordedNoise();
        LatentSpace space = name.space();
        // the recorded latents of the timestep samplers are those of their own space
        boolean preserving = space == LatentSpace.VARIANCE_PRESERVING;
        FloatArray start = FloatArray.of(run.start().clone(), 1, 4, 2, 2);
        start = preserving ? Latents.scale(start, (float) space.start(sigmas[0])) : start;

        FloatArray latents = name.sampler(schedule, run.options(), noise).sample(model, start, sigmas, NOBODY);

        float[] result = Latents.scale(latents, (float) space.end(sigmas[sigmas.length - 1]))
                .values();
        assertCalls(run, model);
        assertThat(noise.drawnBetween).hasSize(run.draws());
        assertDraws(run, noise);
        if (run.latents() != null && !preserving) {
            assertInOrder(run.latents(), model.inputs, tolerance(run));
        }
        assertThat(latents.shape()).containsExactly(1, 4, 2, 2);
        assertClose(result, run.result(), tolerance(run));
        if (Boolean.getBoolean("atelier.errors")) {
            System.out.printf(
                    "%s, %s: relative error %.1e%n", run.sampler(), run.id(), relativeError(result, run.result()));
        }
    }

    private static double relativeError(float[] actual, float[] expected) {
        double error = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow(actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return Math.sqrt(error / norm);
    }

    /**
     * The step control of DPM adaptive magnifies rounding: it divides the difference of two nearly equal latents by a
     * small number. The original's own fp32 run is up to 6·10⁻⁴ away from the fp64 run that is recorded here.
     */
    private static float tolerance(Run run) {
        return run.sampler().equals("DPM adaptive") ? 1e-4f : 2e-5f;
    }

    private void assertCalls(Run run, Analytic model) {
        if (run.modelSigmas() != null) {
            assertThat(model.sigmas).hasSize(run.modelSigmas().length);
            float relative = run.sampler().equals("DPM adaptive") ? 1e-3f : 1e-6f;
            for (int i = 0; i < run.modelSigmas().length; i++) {
                assertThat(model.sigmas.get(i))
                        .isCloseTo(run.modelSigmas()[i], within(relative * run.modelSigmas()[i]));
            }
        }
        if (run.modelTimesteps() != null) {
            assertThat(model.sigmas).hasSize(run.modelTimesteps().length);
            // UniPC takes ln α to be linear between two timesteps, where here ln σ is
            float tolerance = run.variant() == null ? 1e-3f : 5e-2f;
            for (int i = 0; i < run.modelTimesteps().length; i++) {
                assertThat(schedule.timestep(model.sigmas.get(i)))
                        .isCloseTo(run.modelTimesteps()[i], within(tolerance));
            }
        }
    }

    private static void assertDraws(Run run, RecordedNoise noise) {
        if (run.drawnBetween() != null) {
            for (int i = 0; i < run.draws(); i++) {
                assertClose(noise.drawnBetween.get(i), run.drawnBetween().get(i), 5e-7f);
            }
        }
    }

    /** Every step's latent is one of the model's inputs, and in the same order. */
    private static void assertInOrder(List<float[]> latents, List<float[]> inputs, float tolerance) {
        int at = 0;
        for (float[] latent : latents) {
            while (at < inputs.size() && !isClose(inputs.get(at), latent, tolerance)) {
                at++;
            }
            assertThat(at).as("input with %s ...", latent[0]).isLessThan(inputs.size());
        }
    }

    record SchedulerRun(String id, String denoiser, float[] timesteps, float[] start, float[] result) {
        @Override
        public String toString() {
            return id;
        }
    }

    static Stream<SchedulerRun> lcmRuns() {
        InputStream json = SamplerTest.class.getResourceAsStream("lcm-scheduler.json");
        return Stream.of(JsonMapper.shared().readValue(json, SchedulerRun[].class));
    }

    /** The same network at the same timesteps as diffusers, whose latents have a variance of 1. */
    @ParameterizedTest
    @MethodSource("lcmRuns")
    void latentConsistencyAgreesWithDiffusers(SchedulerRun run) {
        float[] sigmas = new float[run.timesteps.length + 1];
        for (int i = 0; i < run.timesteps.length; i++) {
            sigmas[i] = schedule.tableSigma((int) run.timesteps[i]);
        }
        Denoiser network = SamplerName.LCM.denoiser(new Analytic(run.denoiser), SamplerName.LCM.schedule(schedule));
        double scale = Math.sqrt((double) sigmas[0] * sigmas[0] + 1);
        FloatArray start = Latents.scale(FloatArray.of(run.start, 1, 4, 2, 2), (float) scale);
        FloatArray latents = SamplerName.LCM
                .sampler(schedule, SamplerOptions.DEFAULT, new RecordedNoise())
                .sample(network, start, sigmas, NOBODY);
        assertClose(latents.values(), run.result, 2e-5f);
    }

    @Test
    void theRecordedRunsCoverEverySampler() {
        assertThat(recordedRuns().map(Run::sampler).distinct())
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(SamplerName.values())
                        .map(SamplerName::label)
                        .toList());
    }

    @ParameterizedTest
    @EnumSource
    void theStartIsLeftUntouched(SamplerName name) {
        float[] noise = {1, 2, 3, 4};
        name.sampler(schedule, SamplerOptions.DEFAULT, SILENCE)
                .sample(new Analytic("mix"), FloatArray.of(noise, 1, 4, 1, 1), new float[] {2, 1, 0.5f}, NOBODY);
        assertThat(noise).containsExactly(1, 2, 3, 4);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "DPM_ADAPTIVE")
    void theListenerHearsOfEveryStepAndMayCancel(SamplerName name) {
        List<String> heard = new ArrayList<>();
        FloatArray x = FloatArray.of(new float[4], 1, 4, 1, 1);
        Sampler sampler = name.sampler(schedule, SamplerOptions.DEFAULT, SILENCE);
        // seven calls of the network are three steps of DPM fast
        float[] sigmas =
                name == SamplerName.DPM_FAST ? new float[] {8, 7, 6, 5, 4, 3, 2, 1} : new float[] {3, 2, 1, 0.5f};
        assertThatThrownBy(() -> sampler.sample(new Analytic("mix"), x, sigmas, (step, steps) -> {
                    heard.add(step + "/" + steps);
                    if (step == 2) {
                        throw new CancellationException();
                    }
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(heard).containsExactly("1/3", "2/3");
    }

    @Test
    void anAdaptiveSamplerTellsHowFarItHasCome() {
        List<Integer> heard = new ArrayList<>();
        FloatArray x = FloatArray.of(new float[] {3, -2, 1, 5}, 1, 4, 1, 1);
        float[] sigmas = SamplerChoice.named("DPM adaptive").sigmas(schedule, SamplerOptions.DEFAULT, 20);
        SamplerName.DPM_ADAPTIVE
                .sampler(schedule, SamplerOptions.DEFAULT, SILENCE)
                .sample(new Analytic("mix"), x, sigmas, (step, steps) -> heard.add(step));
        assertThat(heard).isSorted().hasSizeGreaterThan(5).endsWith(20);
    }

    @Test
    void anAdaptiveSamplerStopsAtValuesThatAreNotFinite() {
        FloatArray x = FloatArray.of(new float[] {1, 2, 3, 4}, 1, 4, 1, 1);
        Denoiser broken = (v, sigma) -> Latents.scale(v, Float.NaN);
        Sampler sampler = SamplerName.DPM_ADAPTIVE.sampler(schedule, SamplerOptions.DEFAULT, SILENCE);
        assertThatThrownBy(() -> sampler.sample(broken, x, new float[] {2, 1}, NOBODY))
                .isInstanceOf(ArithmeticException.class)
                .hasMessageContaining("not finite");
    }

    @ParameterizedTest
    @EnumSource
    void aSingleStepGivesAFinitePicture(SamplerName name) {
        float[] sigmas = SamplerChoice.named(name.label()).sigmas(schedule, SamplerOptions.DEFAULT, 1);
        FloatArray x = FloatArray.of(new float[] {3, -2, 1, 5}, 1, 4, 1, 1);
        FloatArray result =
                name.sampler(schedule, SamplerOptions.DEFAULT, SILENCE).sample(new Analytic("mix"), x, sigmas, NOBODY);
        for (float value : result.values()) {
            assertThat(value).isFinite();
        }
    }

    @Test
    void withoutNoiseToDrawFromADrawIsAnError() {
        FloatArray x = FloatArray.of(new float[4], 1, 4, 1, 1);
        assertThatThrownBy(() -> SamplerName.EULER_ANCESTRAL
                        .sampler(schedule)
                        .sample(new Analytic("mix"), x, new float[] {2, 1, 0}, NOBODY))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("noise is needed on the way from 2.0 to 1.0");
    }

    private static boolean isClose(float[] actual, float[] expected, float tolerance) {
        for (int i = 0; i < expected.length; i++) {
            if (!(Math.abs(actual[i] - expected[i]) <= tolerance + tolerance * Math.abs(expected[i]))) {
                return false;
            }
        }
        return true;
    }

    private static void assertClose(float[] actual, float[] expected, float tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(tolerance + tolerance * Math.abs(expected[i])));
        }
    }
}
