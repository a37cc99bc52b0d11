package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LossScaleTest {
    /** Where the scale of PyTorch's GradScaler changes; {@code reference/make_precision_reference.py} prints it. */
    @Test
    void isThatOfPyTorch() {
        Set<Integer> overflows = Set.of(1, 2, 3, 10, 2500);
        Map<Integer, Double> changes = new LinkedHashMap<>();
        LossScale scale = new LossScale();
        for (int step = 1; step <= 4600; step++) {
            double before = scale.factor();
            scale.update(!overflows.contains(step));
            if (scale.factor() != before) {
                changes.put(step, scale.factor());
            }
            scale = LossScale.parse(scale.toString());
        }
        assertThat(changes)
                .isEqualTo(Map.of(
                        1, 32_768.0, 2, 16_384.0, 3, 8_192.0, 10, 4_096.0, 2010, 8_192.0, 2500, 4_096.0, 4500,
                        8_192.0));
        assertThat(scale.skipped()).isEqualTo(5);
    }
}
