package dev.atelier.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import dev.atelier.training.Examples;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class MaskRuleTest {
    private final JsonNode example = Examples.of("masked_loss");

    private static float[] flat(JsonNode rows) {
        List<Float> values = new ArrayList<>();
        rows.forEach(row -> row.forEach(value -> values.add(value.floatValue())));
        float[] array = new float[values.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = values.get(i);
        }
        return array;
    }

    private double loss(MaskRule rule) {
        float[] weights = rule.weights(FloatArray.of(flat(example.get("area_downsample_2x2")), 1, 1, 2, 2))
                .values();
        float[] errors = flat(example.get("loss_2x2"));
        double sum = 0;
        for (int i = 0; i < errors.length; i++) {
            sum += weights[i] * errors[i];
        }
        return sum / errors.length;
    }

    @Test
    void lossesAreThoseOfKohyaAndOneTrainer() {
        assertThat(loss(MaskRule.PLAIN)).isCloseTo(example.get("kohya_mean").doubleValue(), within(1e-7));
        assertThat(loss(new MaskRule(0.1, false)))
                .isCloseTo(example.get("onetrainer_unmasked0.1").doubleValue(), within(1e-7));
        assertThat(loss(new MaskRule(0.1, true)))
                .isCloseTo(example.get("onetrainer_unmasked0.1_normalized").doubleValue(), within(1e-7));
    }

    @Test
    void everyPictureIsNormalizedByItself() {
        FloatArray masks = FloatArray.of(new float[] {1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0}, 3, 1, 2, 2);
        assertThat(new MaskRule(0, true).weights(masks).values()).containsExactly(4, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0);
        assertThatThrownBy(() -> new MaskRule(1.5, true)).hasMessageContaining("1.5");
    }
}
