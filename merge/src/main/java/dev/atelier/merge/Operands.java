package dev.atelier.merge;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The tensors of one name, one from each model and all of one shape, and the ways in which a merge method turns them
 * into one. Elements are read as fp64 numbers, which is exact.
 */
record Operands(String key, List<Tensor> tensors) {
    @FunctionalInterface
    interface Pair {
        double of(double a, double b);
    }

    @FunctionalInterface
    interface Triple {
        double of(double a, double b, double c);
    }

    /** From the numbers that the models have at one index. The array is reused and may be overwritten. */
    @FunctionalInterface
    interface Element {
        double of(double[] x);
    }

    /** As {@link Element}, where the result also depends on the index. */
    @FunctionalInterface
    interface Indexed {
        double of(double[] x, long index);
    }

    @FunctionalInterface
    interface Visitor {
        void at(double[] x, long index);
    }

    Tensor first() {
        return tensors.getFirst();
    }

    int count() {
        return tensors.size();
    }

    Shape shape() {
        return first().shape();
    }

    long elements() {
        return shape().elements();
    }

    /** The length of the innermost axis. */
    long lastAxis() {
        return shape().rank() == 0 ? 1 : shape().size(shape().rank() - 1);
    }

    /** Elements between one output channel and the next. */
    long rowLength() {
        return shape().rank() == 0 ? 1 : elements() / Math.max(1, shape().size(0));
    }

    Tensor pairs(Pair element) {
        return indexed((x, _) -> element.of(x[0], x[1]));
    }

    Tensor triples(Triple element) {
        return indexed((x, _) -> element.of(x[0], x[1], x[2]));
    }

    Tensor each(Element element) {
        return indexed((x, _) -> element.of(x));
    }

    Tensor indexed(Indexed element) {
        return new Elementwise(this, () -> element);
    }

    /**
     * Element by element, with something that only a pass over all of the tensor tells. The pass runs when the first
     * element is asked for, once for each time that the tensor is read; then its result is dropped.
     */
    <S> Tensor after(Supplier<S> pass, Function<S, Indexed> element) {
        return new Elementwise(this, () -> element.apply(pass.get()));
    }

    /**
     * The result all at once. Memory: 4 bytes per element of the largest tensor (8 if it is fp64), and what {@code result} itself
     * takes, for as long as the tensor is being read.
     */
    Tensor whole(Supplier<Numbers> result) {
        return new Operands(key, List.of(first())).after(result, values -> (_, index) -> values.get((int) index));
    }

    /** All elements of one tensor. */
    Numbers load(int operand) {
        Numbers values = new Numbers(tensors.get(operand).dtype(), elements());
        new Operands(key, List.of(tensors.get(operand))).sweep((x, index) -> values.set((int) index, x[0]));
        return values;
    }

    /** Visits all elements in order, block by block. */
    void sweep(Visitor visitor) {
        sweep(0, elements(), visitor);
    }

    /** Visits {@code count} elements from {@code first} on, in order. */
    void sweep(long first, long count, Visitor visitor) {
        for (long done = 0; done < count; done += Scratch.SIZE) {
            visit(first + done, (int) Math.min(Scratch.SIZE, count - done), visitor);
        }
    }

    /** @param count at most {@link Scratch#SIZE} */
    void visit(long first, int count, Visitor visitor) {
        Scratch[] blocks = new Scratch[count()];
        try {
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = Scratch.borrow();
                read(tensors.get(i), first, blocks[i], count);
            }
            double[] x = new double[blocks.length];
            for (int at = 0; at < count; at++) {
                for (int i = 0; i < x.length; i++) {
                    x[i] = blocks[i].doubles()[at];
                }
                visitor.at(x, first + at);
            }
        } finally {
            for (Scratch block : blocks) {
                if (block != null) {
                    block.close();
                }
            }
        }
    }

    /** Into the block's doubles; by way of its floats, which is faster, where these hold the type exactly. */
    static void read(Tensor tensor, long first, Scratch block, int count) {
        double[] target = block.doubles();
        if (tensor.dtype() == DType.F64 || !tensor.dtype().isFloating()) {
            tensor.read(first, target, count);
        } else {
            float[] values = block.floats();
            tensor.read(first, values, count);
            for (int i = 0; i < count; i++) {
                target[i] = values[i];
            }
        }
    }
}
