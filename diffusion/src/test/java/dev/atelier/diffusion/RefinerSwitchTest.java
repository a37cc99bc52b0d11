package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.AlphasCumprod;
import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RefinerSwitchTest {
    private static final FloatArray X = FloatArray.of(new float[4], 1, 4, 1, 1);

    /**
     * Ten uniform steps go through the timesteps 999, 888, …, 0, behind which lie 0, 0.111, …, 0.999 of all: the refiner
     * takes over at the first that has reached the share.
     */
    @ParameterizedTest
    @CsvSource({"0, 0", "0.111, 1", "0.112, 2", "0.8, 8", "0.999, 9", "1, 10"})
    void theRefinerTakesOverOnceTheShareLiesBehind(double switchAt, int baseCalls) {
        NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());
        List<String> calls = new ArrayList<>();
        Denoiser base = (x, sigma) -> {
            calls.add("base");
            return x;
        };
        RefinerSwitch run = new RefinerSwitch(
                base,
                before -> {
                    assertThat(before).isEqualTo(baseCalls);
                    return (x, sigma) -> {
                        calls.add("refiner");
                        return x;
                    };
                },
                schedule,
                switchAt);
        float[] sigmas = Scheduler.UNIFORM.sigmas(schedule, 10);
        for (int step = 0; step < 10; step++) {
            run.denoise(X, sigmas[step]);
        }
        assertThat(calls).hasSize(10);
        assertThat(calls.subList(0, baseCalls)).doesNotContain("refiner");
        assertThat(calls.subList(baseCalls, 10)).doesNotContain("base");
    }

    @Test
    void noiseAgainDoesNotBringTheBaseModelBack() {
        NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());
        List<String> calls = new ArrayList<>();
        RefinerSwitch run = new RefinerSwitch(
                (x, sigma) -> {
                    calls.add("base");
                    return x;
                },
                before -> (x, sigma) -> {
                    calls.add("refiner");
                    return x;
                },
                schedule,
                0.3);
        run.denoise(X, 14);
        run.denoise(X, 1);
        run.denoise(X, 14); // as the sampler Restart does
        assertThat(calls).containsExactly("base", "refiner", "refiner");
    }
}
