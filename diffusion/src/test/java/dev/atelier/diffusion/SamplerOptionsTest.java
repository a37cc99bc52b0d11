package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerOptionsTest {

    @ParameterizedTest
    @CsvSource({
        "-0.1, 0, 0, 0, 1, 'eta must be 0 or more, but is -0.1'",
        "NaN, 0, 0, 0, 1, 'eta must be 0 or more, but is NaN'",
        "1, -1, 0, 0, 1, 'churn must be 0 or more, but is -1.0'",
        "1, 0, -1, 0, 1, 'tmin must be 0 or more, but is -1.0'",
        "1, 0, 0, Infinity, 1, 'tmax must be 0 or more, but is Infinity'",
        "1, 0, 0, 0, -2, 'noise must be 0 or more, but is -2.0'"
    })
    void aValueOutOfRangeIsNamed(double eta, double churn, double tmin, double tmax, double noise, String message) {
        assertThatThrownBy(() -> new SamplerOptions(eta, churn, tmin, tmax, noise))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }
}
