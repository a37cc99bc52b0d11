package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class AdamWTest {
    private static final float[] INITIAL = {1, -0.5f, 0.25f, 2};
    private static final float[][] GRADIENTS = {
        {0.1f, -0.2f, 0.3f, 0.05f},
        {0.2f, -0.1f, -0.4f, 0.01f},
        {-0.3f, 0.05f, 0.2f, 0.02f},
        {0.15f, 0.15f, -0.1f, -0.03f},
        {0.05f, -0.25f, 0.35f, 0.0f}
    };

    /** What {@code torch.optim.AdamW} makes of them in double precision, with a rate of 1e-3 and a weight decay of 0.01. */
    private static final double[][] EXPECTED = {
        {0.9989900001, -0.49899500005, 0.248997500033, 1.9989800002},
        {0.998014828235, -0.49805783052, 0.249188520462, 1.99815696964},
        {0.998071447099, -0.497489188608, 0.24908751232, 1.99732571423},
        {0.997895724328, -0.497416670595, 0.249111892711, 1.99700253227},
        {0.997679504323, -0.497001501357, 0.248834483134, 1.99672628175}
    };

    @Test
    void fiveStepsAgreeWithPyTorch() {
        try (AdamW optimizer = new AdamW(4, 0.9, 0.999, 1e-8, 0.01);
                PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            Tensor values = Tensors.of(FloatArray.of(INITIAL.clone(), 4)).clone();
            for (int step = 0; step < GRADIENTS.length; step++) {
                optimizer.step(values, Tensors.of(FloatArray.of(GRADIENTS[step].clone(), 4)), 1e-3, step + 1);
                float[] actual = Tensors.toArray(values).values();
                for (int i = 0; i < actual.length; i++) {
                    assertThat((double) actual[i]).as("step %d", step).isCloseTo(EXPECTED[step][i], within(5e-7));
                }
            }
        }
    }
}
