package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.ExactTensor;

/** A tensor whose slices along its first two axes are in another order. */
final class PermutedTensor extends ExactTensor {
    private final Tensor source;
    private final int[] rows;
    private final int[] columns;
    private final int depth;

    /**
     * @param rows which slice of the source each slice along the first axis is
     * @param columns the same for the second axis; {@code {0}} if there is none
     */
    PermutedTensor(Tensor source, int[] rows, int[] columns) {
        super(source.dtype(), source.shape());
        this.source = source;
        this.rows = rows;
        this.columns = columns;
        this.depth = Math.toIntExact(source.shape().elements() / rows.length / columns.length);
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        int length = columns.length * depth;
        int done = 0;
        while (done < count) {
            int row = (int) ((first + done) / length);
            int from = (int) ((first + done) % length);
            int part = Math.min(count - done, length - from);
            double[] whole = row(source, rows[row], length);
            for (int i = 0; i < part; i++) {
                int at = from + i;
                target[done + i] = whole[columns[at / depth] * depth + at % depth];
            }
            done += part;
        }
    }

    /** The slice at {@code index} of a tensor along its first axis. */
    static double[] row(Tensor tensor, long index, int length) {
        double[] row = new double[length];
        try (Scratch scratch = Scratch.borrow()) {
            for (int done = 0; done < length; done += Scratch.SIZE) {
                int part = Math.min(Scratch.SIZE, length - done);
                if (tensor.dtype() == DType.F64) {
                    tensor.read(index * length + done, scratch.doubles(), part);
                    System.arraycopy(scratch.doubles(), 0, row, done, part);
                    continue;
                }
                float[] values = scratch.floats(); // which is faster
                tensor.read(index * length + done, values, part);
                for (int i = 0; i < part; i++) {
                    row[done + i] = values[i];
                }
            }
        }
        return row;
    }
}
