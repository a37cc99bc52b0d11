package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class HalfSumTest {
    /** How many there are. */
    private static final int HALVES = 1 << 16;

    @Test
    void itIsWhatTheLongWayGivesForAllHalves() {
        Tensor a = halves(1);
        Tensor b = halves(40_503); // odd: all halves in another order

        Tensor sum = TorchArithmetic.weightedSum(a, 0.7, b, 0.3);

        assertThat(sum).isInstanceOf(HalfSum.class);
        assertThat(numbers(sum))
                .isEqualTo(numbers(TorchArithmetic.plus(TorchArithmetic.times(a, 0.7), TorchArithmetic.times(b, 0.3))));
    }

    private static Tensor halves(int step) {
        short[] halves = new short[HALVES];
        for (int i = 0; i < HALVES; i++) {
            halves[i] = (short) (i * step);
        }
        return Tensor.of(DType.F16, Shape.of(HALVES), MemorySegment.ofArray(halves));
    }

    /** Not the bits: of two numbers that are none, it is open which is passed on. */
    private static float[] numbers(Tensor tensor) {
        short[] halves = new short[HALVES];
        tensor.read(0, MemorySegment.ofArray(halves));
        float[] numbers = new float[HALVES];
        for (int i = 0; i < HALVES; i++) {
            numbers[i] = Float.float16ToFloat(halves[i]);
        }
        return numbers;
    }
}
