package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LossScaleTest {
    private static void steps(LossScale scale, int count) {
        for (int i = 0; i < count; i++) {
            scale.update(true);
        }
    }

    /** The numbers of PyTorch's GradScaler: 65536, halved by an overflow, doubled after 2000 steps without. */
    @Test
    void growsSlowlyAndShrinksAtOnce() {
        LossScale scale = new LossScale();
        scale.update(false);
        assertThat(scale.factor()).isEqualTo(32_768);
        scale.update(false);
        assertThat(scale.factor()).isEqualTo(16_384);
        steps(scale, 2);
        scale.update(false);
        assertThat(scale.factor()).isEqualTo(8_192);
        steps(scale, 1_999);
        assertThat(scale.factor()).isEqualTo(8_192);
        LossScale resumed = LossScale.parse(scale.toString());
        resumed.update(true);
        assertThat(resumed.factor()).isEqualTo(16_384);
        steps(resumed, 1_999);
        assertThat(resumed.factor()).isEqualTo(16_384);
        steps(resumed, 1);
        assertThat(resumed.factor()).isEqualTo(32_768);
    }
}
