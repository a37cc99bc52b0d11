package dev.atelier.merge;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A tensor whose elements are a function of the operands' elements at the same index, in the type of the first operand. */
final class Elementwise extends ExactTensor {
    private final Operands operands;
    private final Supplier<Operands.Indexed> preparation;
    private Operands.@Nullable Indexed prepared;
    private long unread;

    /** @param preparation makes the function; may be slow and take memory, which is freed after the last element */
    Elementwise(Operands operands, Supplier<Operands.Indexed> preparation) {
        super(operands.first().dtype(), operands.shape());
        this.operands = operands;
        this.preparation = preparation;
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        if (count == 0) {
            return; // of an empty tensor there is nothing to prepare for
        }
        Operands.Indexed element = prepared();
        operands.visit(first, count, (x, index) -> target[(int) (index - first)] = element.of(x, index));
        finished(count);
    }

    private synchronized Operands.Indexed prepared() {
        if (prepared == null) {
            prepared = preparation.get();
            unread = shape().elements();
        }
        return prepared;
    }

    /** Every element has been read once: whoever reads on prepares again. */
    private synchronized void finished(int count) {
        unread -= count;
        if (unread <= 0) {
            prepared = null;
        }
    }
}
