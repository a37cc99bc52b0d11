package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BetaDistributionTest {

    @ParameterizedTest
    @CsvSource({"0, 0", "0.5, 0.5", "1, 1", "0.25, 0.14644660940672624", "0.9, 0.9755282581475768"})
    void forOneHalfTheQuantileIsThatOfTheArcsineLaw(double probability, double expected) {
        // sin²(π·p/2)
        assertThat(new BetaDistribution(0.5, 0.5).quantile(probability)).isCloseTo(expected, within(1e-15));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.001, 0.001", "0.3, 0.3", "0.77, 0.77", "1, 1"})
    void forOneTheDistributionIsUniform(double probability, double expected) {
        assertThat(new BetaDistribution(1, 1).quantile(probability)).isCloseTo(expected, within(1e-15));
    }

    @ParameterizedTest
    @CsvSource({"0.001", "0.3", "0.77", "0.999"})
    void forThreeAndOneItIsACubeRoot(double probability) {
        assertThat(new BetaDistribution(3, 1).quantile(probability)).isCloseTo(Math.cbrt(probability), within(1e-14));
        assertThat(new BetaDistribution(1, 3).quantile(probability))
                .isCloseTo(1 - Math.cbrt(1 - probability), within(1e-14));
    }
}
