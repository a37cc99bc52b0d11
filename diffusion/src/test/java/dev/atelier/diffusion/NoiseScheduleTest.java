package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.AlphasCumprod;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.json.JsonMapper;

class NoiseScheduleTest {

    record Table(List<Integer> timesteps, float[] sigmas) {}

    record Maps(float[] sigma, float[] sigma_to_t, float[] eps_c_in, float[] t, float[] t_to_sigma) {}

    record Recorded(Table table, Map<String, Map<Integer, float[]>> schedules, Maps maps) {}

    private final NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());
    private final Recorded recorded = recorded();

    private static Recorded recorded() {
        InputStream json = NoiseScheduleTest.class.getResourceAsStream("sigmas.json");
        return JsonMapper.shared().readValue(json, Recorded.class);
    }

    @Test
    void noiseLevelsAreThoseOfTheTable() {
        assertThat(recorded.table.timesteps).hasSizeGreaterThan(5);
        for (int i = 0; i < recorded.table.timesteps.size(); i++) {
            assertUlps(schedule.sigma(recorded.table.timesteps.get(i)), recorded.table.sigmas[i], 3);
        }
        assertThat(schedule.sigmaMin()).isEqualTo(0.029167533f);
        assertThat(schedule.sigmaMax()).isEqualTo(14.614642f);
    }

    @Test
    void sigmaIsLogLinearInTime() {
        for (int i = 0; i < recorded.maps.t.length; i++) {
            assertUlps(schedule.sigma(recorded.maps.t[i]), recorded.maps.t_to_sigma[i], 2);
        }
    }

    @Test
    void timeFollowsFromSigmaAndIsClampedToTheTable() {
        for (int i = 0; i < recorded.maps.sigma.length; i++) {
            assertThat(schedule.timestep(recorded.maps.sigma[i]))
                    .as("sigma %s", recorded.maps.sigma[i])
                    .isCloseTo(recorded.maps.sigma_to_t[i], within(2e-4f));
        }
    }

    @ParameterizedTest
    @EnumSource
    void schedulersGiveTheNoiseLevelsOfAutomatic1111(Scheduler scheduler) {
        Map<Integer, float[]> byStepCount = recorded.schedules.get(scheduler.id());
        assertThat(byStepCount).containsOnlyKeys(1, 5, 10, 20, 30);
        byStepCount.forEach((steps, expected) -> {
            float[] sigmas = scheduler.sigmas(schedule, steps);
            assertThat(sigmas).hasSameSizeAs(expected);
            for (int i = 0; i < expected.length; i++) {
                // one ulp of a fractional t moves sigma by as much; so do two versions of torch
                assertUlps(sigmas[i], expected[i], 4);
            }
        });
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

    private static void assertUlps(float actual, float expected, int ulps) {
        assertThat(actual).isCloseTo(expected, within(ulps * Math.ulp(expected)));
    }
}
