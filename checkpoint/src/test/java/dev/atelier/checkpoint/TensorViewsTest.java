package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorViewsTest {
    private static final Tensor STORED = new ReshapedTensor(Bits.floats(0, 1, 2, 3, 4, 5), Shape.of(3, 2));
    private static final Tensor COMPUTED = STORED.to(DType.F16);

    private static float[] floats(Tensor tensor, int from, int count) {
        float[] values = new float[count];
        tensor.read(from, values, count);
        double[] wide = new double[count];
        tensor.read(from, wide, count);
        for (int i = 0; i < count; i++) {
            assertThat(wide[i]).isEqualTo(values[i]);
        }
        return values;
    }

    @Test
    void rowsAreARangeOfTheSource() {
        for (Tensor source : List.of(STORED, COMPUTED)) {
            Tensor rows = new RowsTensor(source, 1, 2);
            assertThat(rows.shape()).isEqualTo(Shape.of(2, 2));
            assertThat(floats(rows, 1, 3)).containsExactly(3, 4, 5);
            assertThat(Bits.of(rows)).isEqualTo(Bits.of(Bits.floats(2, 3, 4, 5).to(source.dtype())));
            assertThat(rows.mapped().isPresent()).isEqualTo(source.mapped().isPresent());
        }
        assertThatThrownBy(() -> new RowsTensor(STORED, 2, 2)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aStackReadsAcrossItsParts() {
        Tensor stack = new StackedTensor(List.of(COMPUTED, new RowsTensor(COMPUTED, 0, 1), COMPUTED));
        assertThat(stack.shape()).isEqualTo(Shape.of(7, 2));
        assertThat(floats(stack, 0, 14)).containsExactly(0, 1, 2, 3, 4, 5, 0, 1, 0, 1, 2, 3, 4, 5);
        assertThat(floats(stack, 5, 4)).containsExactly(5, 0, 1, 0);
        byte[] all = Bits.of(stack);
        byte[] part = new byte[8];
        stack.read(10, MemorySegment.ofArray(part));
        assertThat(part).isEqualTo(java.util.Arrays.copyOfRange(all, 10, 18));
        assertThatThrownBy(() -> new StackedTensor(List.of(STORED, COMPUTED)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aTransposedMatrixExchangesRowsAndColumns() {
        for (Tensor source : List.of(STORED, COMPUTED)) {
            Tensor turned = new TransposedTensor(source);
            assertThat(turned.shape()).isEqualTo(Shape.of(2, 3));
            assertThat(floats(turned, 0, 6)).containsExactly(0, 2, 4, 1, 3, 5);
            assertThat(floats(turned, 2, 3)).containsExactly(4, 1, 3);
            assertThat(Bits.of(new TransposedTensor(turned))).isEqualTo(Bits.of(source));
        }
    }
}
