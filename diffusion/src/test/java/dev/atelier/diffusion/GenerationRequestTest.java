package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationRequestTest {

    private static GenerationRequest request(int steps, double cfgScale, int width, int height, int batchSize) {
        return GenerationRequest.of("")
                .steps(steps)
                .cfgScale(cfgScale)
                .size(width, height)
                .batchSize(batchSize);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 7, 512, 512, 1, 'steps must be between 1 and 1000, but is 0'",
        "1001, 7, 512, 512, 1, 'steps must be between 1 and 1000, but is 1001'",
        "20, -1, 512, 512, 1, 'cfgScale must be between 0 and 100, but is -1.0'",
        "20, NaN, 512, 512, 1, 'cfgScale must be between 0 and 100, but is NaN'",
        "20, 7, 0, 512, 1, 'width must be between 64 and 4096, but is 0'",
        "20, 7, 516, 512, 1, 'width must be a multiple of 8 pixels, but is 516'",
        "20, 7, 512, 4160, 1, 'height must be between 64 and 4096, but is 4160'",
        "20, 7, 512, 500, 1, 'height must be a multiple of 8 pixels, but is 500'",
        "20, 7, 512, 512, 0, 'batchSize must be between 1 and 64, but is 0'",
        "20, 7, 512, 512, 65, 'batchSize must be between 1 and 64, but is 65'"
    })
    void aValueOutOfRangeIsNamed(int steps, double cfgScale, int width, int height, int batchSize, String message) {
        assertThatThrownBy(() -> request(steps, cfgScale, width, height, batchSize))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource({"1, 0, 64, 64, 1", "1000, 100, 4096, 4096, 64"})
    void theEndsOfTheRangesAreAllowed(int steps, double cfgScale, int width, int height, int batchSize) {
        assertThatCode(() -> request(steps, cfgScale, width, height, batchSize)).doesNotThrowAnyException();
    }

    @Test
    void aRequestIsNotChangedByWhatIsMadeFromIt() {
        GenerationRequest request = GenerationRequest.of("a fox").steps(7);
        assertThat(request.steps(9).prompt("a cat").seed()).isEqualTo(request.seed());
        assertThat(request.steps()).isEqualTo(7);
        assertThat(request.prompt()).isEqualTo("a fox");
    }

    @Test
    void randomSeedsAreThoseOfAutomatic1111() {
        for (int i = 0; i < 1000; i++) {
            assertThat(GenerationRequest.randomSeed()).isBetween(0L, 4_294_967_293L);
        }
    }
}
