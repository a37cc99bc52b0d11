package dev.atelier.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TimestepChoiceTest {
    private static final int MANY = 200_000;

    private static int[] draw(TimestepChoice choice) {
        return choice.draw(MANY, new SplittableRandom(3));
    }

    private static double share(int[] timesteps, int from, int to) {
        return Arrays.stream(timesteps).filter(t -> t >= from && t < to).count() / (double) timesteps.length;
    }

    @Test
    void uniformHasAllOfItsRangeAlike() {
        int[] timesteps = draw(new TimestepChoice.Uniform(200, 600));
        assertThat(timesteps).contains(200, 599);
        assertThat(share(timesteps, 200, 600)).isEqualTo(1);
        assertThat(share(timesteps, 200, 300)).isCloseTo(0.25, within(0.005));
        assertThat(draw(TimestepChoice.Uniform.ALL)).contains(0, 999);
    }

    @Test
    void stratifiedGivesEachOfABatchItsOwnShare() {
        int[] timesteps = new TimestepChoice.Stratified(200, 1000).draw(8, new SplittableRandom(5));
        int[] sorted = Arrays.stream(timesteps).sorted().toArray();
        for (int i = 0; i < 8; i++) {
            assertThat(sorted[i]).isBetween(200 + 100 * i, 299 + 100 * i);
        }
        assertThat(timesteps).isNotEqualTo(sorted);
        assertThat(share(draw(new TimestepChoice.Stratified(0, 1000)), 0, 500)).isCloseTo(0.5, within(1e-4));
    }

    /** The weights of diffusers' {@code generate_timestep_weights}: 250 timesteps twice as likely as 750 others. */
    @Test
    void biasedPrefersItsRange() {
        TimestepChoice.Biased later = new TimestepChoice.Biased(750, 1000, 2);
        assertThat(later.probability(800)).isEqualTo(2 / 1250.0);
        assertThat(later.probability(749)).isEqualTo(1 / 1250.0);
        assertThat(IntStream.range(0, 1000).mapToDouble(later::probability).sum())
                .isCloseTo(1, within(1e-12));
        int[] timesteps = draw(later);
        assertThat(timesteps).contains(0, 999);
        assertThat(share(timesteps, 0, 1000)).isEqualTo(1);
        assertThat(share(timesteps, 750, 1000)).isCloseTo(0.4, within(0.005));
    }

    @Test
    void logitNormalPrefersTheMiddle() {
        int[] timesteps = draw(new TimestepChoice.LogitNormal(0, 1));
        assertThat(share(timesteps, 0, 1000)).isEqualTo(1);
        // the normal distribution holds 0.6827 within one deviation; the logistic function of ±1 is 0.2689 and 0.7311
        assertThat(share(timesteps, 269, 731)).isCloseTo(0.6827, within(0.006));
    }

    @Test
    void rangesThatAreNoneAreRefused() {
        assertThatThrownBy(() -> new TimestepChoice.Uniform(500, 500)).hasMessageContaining("0 to 999");
        assertThatThrownBy(() -> new TimestepChoice.Stratified(-1, 500)).hasMessageContaining("-1");
        assertThatThrownBy(() -> new TimestepChoice.Biased(0, 1001, 2)).hasMessageContaining("1001");
        assertThatThrownBy(() -> new TimestepChoice.Biased(0, 100, 0)).hasMessageContaining("above 0");
    }
}
