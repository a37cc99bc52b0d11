package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;

class ErrorsTest {
    private static final float[] DIFFERENCES = {-2, -0.5f, -0.1f, 0, 0.1f, 0.5f, 2};

    private static void check(ElementLoss loss, double... expected) {
        try (PointerScope _ = new PointerScope()) {
            float[] actual = Tensors.toArray(Errors.of(
                            loss,
                            Tensors.of(FloatArray.of(DIFFERENCES.clone(), 1, 1, 1, 7)),
                            Tensors.of(FloatArray.of(new float[7], 1, 1, 1, 7))))
                    .values();
            for (int i = 0; i < actual.length; i++) {
                assertThat((double) actual[i]).isCloseTo(expected[i], within(1e-7 + 1e-6 * expected[i]));
            }
        }
    }

    /** What kohya's {@code conditional_loss} makes of them, with a width of 0.1. */
    @Test
    void areKohyas() {
        float[] widths = {0.1f};
        double far = 0.38049968789;
        double near = 0.0819803902719;
        double nearest = 0.00828427124746;
        check(new ElementLoss.Huber(widths), far, near, nearest, 0, nearest, near, far);
        check(
                new ElementLoss.SmoothL1(widths),
                10 * far,
                10 * near,
                10 * nearest,
                0,
                10 * nearest,
                10 * near,
                10 * far);
        check(new ElementLoss.Squared(), 4, 0.25, 0.01, 0, 0.01, 0.25, 4);
        check(new ElementLoss.Absolute(), 2, 0.5, 0.1, 0, 0.1, 0.5, 2);
    }

    @Test
    void everySampleHasItsWidth() {
        try (PointerScope _ = new PointerScope()) {
            float[] actual = Tensors.toArray(Errors.of(
                            new ElementLoss.SmoothL1(new float[] {0.1f, 0}),
                            Tensors.of(FloatArray.of(new float[] {0.5f, 0.5f}, 2, 1, 1, 1)),
                            Tensors.of(FloatArray.of(new float[2], 2, 1, 1, 1))))
                    .values();
            assertThat(actual[0]).isCloseTo(0.819803902719f, within(1e-6f));
            assertThat(actual[1]).isEqualTo(1);
        }
    }
}
