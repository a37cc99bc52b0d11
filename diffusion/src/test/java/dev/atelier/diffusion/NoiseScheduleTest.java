package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.atelier.model.AlphasCumprod;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

class NoiseScheduleTest {

    record Table(List<Integer> timesteps, float[] sigmas) {}

    record Lcm(float[] sigmas, float[] timesteps) {}

    record Maps(
            float[] sigma,
            float[] sigma_to_t,
            float[] eps_c_in,
            float[] t,
            float[] t_to_sigma,
            float[] lcm_sigma_to_t) {}

    record Recorded(
            Table table,
            float[] zero_terminal_snr_alphas_cumprod,
            Map<String, Map<String, Map<Integer, float[]>>> schedules,
            Map<Integer, float[]> sdxl_align_your_steps,
            Map<String, Map<Integer, float[]>> discard_penultimate,
            Map<Integer, Lcm> lcm,
            Map<Integer, float[]> ddim_timesteps,
            Maps maps) {}

    private static final Recorded RECORDED = recorded();

    private final NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());

    private static Recorded recorded() {
        InputStream json = NoiseScheduleTest.class.getResourceAsStream("sigmas.json");
        return JsonMapper.shared().readValue(json, Recorded.class);
    }

    @Test
    void noiseLevelsAreThoseOfTheTable() {
        assertThat(RECORDED.table.timesteps).hasSizeGreaterThan(5);
        for (int i = 0; i < RECORDED.table.timesteps.size(); i++) {
            assertUlps(schedule.sigma(RECORDED.table.timesteps.get(i)), RECORDED.table.sigmas[i], 3);
        }
        assertThat(schedule.sigmaMin()).isEqualTo(0.029167533f);
        assertThat(schedule.sigmaMax()).isEqualTo(14.614642f);
    }

    @Test
    void sigmaIsLogLinearInTime() {
        for (int i = 0; i < RECORDED.maps.t.length; i++) {
            assertUlps(schedule.sigma(RECORDED.maps.t[i]), RECORDED.maps.t_to_sigma[i], 2);
        }
    }

    @Test
    void timeFollowsFromSigmaAndIsClampedToTheTable() {
        for (int i = 0; i < RECORDED.maps.sigma.length; i++) {
            assertThat(schedule.timestep(RECORDED.maps.sigma[i]))
                    .as("sigma %s", RECORDED.maps.sigma[i])
                    .isCloseTo(RECORDED.maps.sigma_to_t[i], within(2e-4f));
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
    void schedulersGiveTheNoiseLevelsOfAutomatic1111(Scheduler scheduler) {
        assertSchedules(scheduler, schedule, RECORDED.schedules.get("scaled_linear"));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
    void schedulersGiveTheSameForATableWithZeroTerminalSnr(Scheduler scheduler) {
        NoiseSchedule zeroSnr = new NoiseSchedule(RECORDED.zero_terminal_snr_alphas_cumprod);
        assertThat(zeroSnr.sigmaMax()).isCloseTo(4518.76f, within(0.01f));
        assertSchedules(scheduler, zeroSnr, RECORDED.schedules.get("zero_terminal_snr"));
    }

    private static void assertSchedules(
            Scheduler scheduler, NoiseSchedule schedule, Map<String, Map<Integer, float[]>> recorded) {
        Map<Integer, float[]> byStepCount = recorded.get(scheduler.id());
        assertThat(byStepCount).containsOnlyKeys(1, 5, 10, 20, 30);
        byStepCount.forEach((steps, expected) -> {
            assertSchedule(scheduler.sigmas(schedule, steps), expected);
        });
    }

    @Test
    void theNetworksOfSdxlHaveTheirOwnAlignedSteps() {
        NoiseSchedule sdxl = new NoiseSchedule(AlphasCumprod.scaledLinear(), AlignYourSteps.SDXL);
        assertThat(RECORDED.sdxl_align_your_steps).containsOnlyKeys(1, 5, 10, 20, 30);
        RECORDED.sdxl_align_your_steps.forEach(
                (steps, expected) -> assertSchedule(Scheduler.ALIGN_YOUR_STEPS.sigmas(sdxl, steps), expected));
    }

    @Test
    void elevenAlignedStepsAreTheTableItself() {
        float[] table = {14.615f, 6.475f, 3.861f, 2.697f, 1.886f, 1.396f, 0.963f, 0.652f, 0.399f, 0.152f, 0.029f, 0};
        assertSchedule(Scheduler.ALIGN_YOUR_STEPS.sigmas(schedule, 11), table);
    }

    @Test
    void aNetworkDistilledForConsistencyKnowsFiftyTimesteps() {
        NoiseSchedule distilled = schedule.distilled();
        assertThat(RECORDED.lcm).containsOnlyKeys(1, 2, 3, 4, 5, 6, 8, 10);
        RECORDED.lcm.forEach((steps, expected) -> {
            float[] sigmas = Scheduler.UNIFORM.sigmas(distilled, steps);
            assertSchedule(sigmas, expected.sigmas);
            for (int i = 0; i < steps; i++) {
                assertThat(distilled.timestep(sigmas[i])).isEqualTo(expected.timesteps[i]);
            }
        });
        for (int i = 0; i < RECORDED.maps.sigma.length; i++) {
            assertThat(distilled.timestep(RECORDED.maps.sigma[i])).isEqualTo(RECORDED.maps.lcm_sigma_to_t[i]);
        }
    }

    @ParameterizedTest
    @CsvSource({"DPM2 Karras, karras", "DPM2 a Uniform, uniform", "DPM++ 3M SDE Karras, karras"})
    void someSamplersLeaveOutTheLastLevelButOne(String sampler, String id) {
        Map<Integer, float[]> byStepCount = RECORDED.discard_penultimate.get(id);
        assertThat(byStepCount).containsOnlyKeys(1, 5, 10, 20, 30);
        byStepCount.forEach((steps, expected) ->
                assertSchedule(SamplerChoice.named(sampler).sigmas(schedule, SamplerOptions.DEFAULT, steps), expected));
    }

    static Stream<Arguments> changedSchedules() {
        Map<String, ScheduleOptions> options = Map.of(
                "sigma_min 0.1, sigma_max 10", new ScheduleOptions(0.1, 10, 0, 0.6, 0.6, false, false),
                "sigma_max 20", new ScheduleOptions(0, 20, 0, 0.6, 0.6, false, false),
                "rho 3", new ScheduleOptions(0, 0, 3, 0.6, 0.6, false, false),
                "beta 0.4 0.9", new ScheduleOptions(0, 0, 0, 0.4, 0.9, false, false),
                "beta 2 3.5", new ScheduleOptions(0, 0, 0, 2, 3.5, false, false));
        return Recordings.more().schedules().entrySet().stream()
                .flatMap(change -> change.getValue().entrySet().stream()
                        .map(run -> arguments(
                                run.getKey(), change.getKey(), options.get(change.getKey()), run.getValue())));
    }

    /**
     * With ρ = 3, one ulp of σ_max^(1/3) = 2.44, from which its share of the range is taken away, is 2.3·10⁻⁶ of the lowest
     * level: the recorded run's σ_max, the exponential of a logarithm, is one ulp from ours.
     */
    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("changedSchedules")
    void otherEndsAndBendsGiveTheNoiseLevelsOfAutomatic1111(
            String scheduler, String change, ScheduleOptions options, float[] expected) {
        assertSchedule(Scheduler.named(scheduler).sigmas(schedule, options, 10), expected, 2.4e-6f);
    }

    private static SamplerOptions settings(ScheduleOptions schedule) {
        return new SamplerOptions(null, 0, 0, 0, 1, schedule, UniPcOptions.DEFAULT);
    }

    @Test
    void theLastLevelButOneIsLeftOutOfAnySamplerThatIsAsked() {
        ScheduleOptions options = new ScheduleOptions(0, 0, 0, 0.6, 0.6, true, false);
        RECORDED.discard_penultimate
                .get("karras")
                .forEach((steps, expected) -> assertSchedule(
                        SamplerChoice.named("DPM++ 2M Karras").sigmas(schedule, settings(options), steps), expected));
        float[] once = SamplerChoice.named("DPM2 Karras").sigmas(schedule, settings(options), 10);
        assertSchedule(once, RECORDED.discard_penultimate.get("karras").get(10));
    }

    @Test
    void levelsThatWouldRiseAreRefused() {
        ScheduleOptions options = new ScheduleOptions(15, 0, 0, 0.6, 0.6, false, false);
        assertThatThrownBy(() -> Scheduler.KARRAS.sigmas(schedule, options, 10))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the noise levels must fall, but sigma max is 14.614642 and sigma min 15.0");
    }

    @Test
    void timestepSamplersTakeTheTimestepsOfCompVis() {
        assertThat(RECORDED.ddim_timesteps).hasSizeGreaterThan(5);
        RECORDED.ddim_timesteps.forEach((steps, expected) -> {
            float[] sigmas = SamplerChoice.named("DDIM").sigmas(schedule, SamplerOptions.DEFAULT, steps);
            assertThat(sigmas).hasSameSizeAs(expected);
            for (int i = 0; i < expected.length; i++) {
                assertThat(sigmas[i]).isEqualTo(schedule.tableSigma((int) expected[expected.length - 1 - i]));
            }
        });
    }

    @Test
    void uniPcGoesFromTheLastTimestepToTheFirstInAsManySteps() {
        float[] sigmas = SamplerChoice.named("UniPC").sigmas(schedule, SamplerOptions.DEFAULT, 30);
        assertThat(sigmas).hasSize(32);
        assertThat(sigmas[0]).isCloseTo(schedule.sigmaMax(), within(1e-5f));
        assertThat(sigmas[31]).isCloseTo(schedule.sigmaMin(), within(1e-7f));
    }

    @Test
    void aTableThatDoesNotFallIsRefused() {
        assertThatThrownBy(() -> new NoiseSchedule(new float[] {0.9f, 0.8f, 0.8f}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("entry 2 is 0.8 after 0.8");
        assertThatThrownBy(() -> new NoiseSchedule(new float[] {1f, 0.8f}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("entry 0 is 1.0");
        assertThatThrownBy(() -> new NoiseSchedule(new float[] {0.9f, Float.NaN}))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /**
     * One ulp of the argument of a power or an exponential moves its value by up to 10⁻⁶ of itself. The schedules of torch
     * 1.13, recorded here, and those of torch 2.13 differ by as much, and ours are nearer to the latter.
     */
    private static void assertSchedule(float[] actual, float[] expected) {
        assertSchedule(actual, expected, 1e-6f);
    }

    private static void assertSchedule(float[] actual, float[] expected, float relative) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(relative * expected[i]));
        }
    }

    private static void assertUlps(float actual, float expected, int ulps) {
        assertThat(actual).isCloseTo(expected, within(ulps * Math.ulp(expected)));
    }
}
