package dev.atelier.server.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.math.BigDecimal;
import java.math.RoundingMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PriceTest {

    /** The vendor's own price table, which gives four decimals. */
    @ParameterizedTest
    @CsvSource({
        "512, 256, 20, 0.0015",
        "512, 512, 20, 0.0021",
        "512, 768, 20, 0.0031",
        "768, 768, 20, 0.0047",
        "768, 1024, 20, 0.0063",
        "1024, 1024, 20, 0.0084",
        "1024, 1024, 30, 0.0126",
    })
    void picturesCostByPixelsAndSteps(int width, int height, int steps, BigDecimal usd) {
        assertThat(rounded(Price.ofImage(width, height, steps))).isEqualTo(usd);
    }

    @ParameterizedTest
    @CsvSource({"512, 512, 2, 0.0021", "1024, 1024, 2, 0.0084"})
    void enlargingCostsTenSteps(int width, int height, double scale, BigDecimal usd) {
        assertThat(rounded(Price.ofUpscaling(width, height, scale))).isEqualTo(usd);
    }

    @Test
    void aSecondPassIsAdded() {
        assertThat(Price.ofHiresImage(512, 768, 25, 2)).isEqualTo(70_778_880);
    }

    @Test
    void amountsAreExact() {
        assertThat(Price.ofUsd(new BigDecimal("0.0015"))).isEqualTo(Price.MINIMUM);
        assertThat(Price.toUsd(Price.MINIMUM)).isEqualByComparingTo("0.0015");
        assertThatExceptionOfType(ArithmeticException.class)
                .isThrownBy(() -> Price.ofUsd(new BigDecimal("0.00000000001")));
    }

    private static BigDecimal rounded(long amount) {
        return Price.toUsd(amount).setScale(4, RoundingMode.HALF_UP);
    }
}
