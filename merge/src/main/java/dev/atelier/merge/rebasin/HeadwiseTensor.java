package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.ExactTensor;
import dev.atelier.merge.rebasin.Symmetry.Place;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.ejml.data.DMatrixRMaj;

/** A tensor whose slices are combined with others of their head. */
final class HeadwiseTensor extends ExactTensor {
    /**
     * @param place the slices, {@code heads} times {@code size} of them along an axis
     * @param factors of a head the symmetric matrix that its slices are multiplied by
     */
    record Change(Place place, int heads, int size, IntFunction<DMatrixRMaj> factors) {}

    private final Tensor source;
    private final List<Change> changes;
    private final boolean isByRow;
    private final int columns;
    private final int depth;

    /** @param changes all along the same axis */
    HeadwiseTensor(Tensor source, List<Change> changes) {
        super(source.dtype(), source.shape());
        this.source = source;
        this.changes = changes;
        this.isByRow = changes.getFirst().place().axis() == 0;
        this.columns =
                source.shape().rank() < 2 ? 1 : Math.toIntExact(source.shape().size(1));
        this.depth = Math.toIntExact(source.shape().elements() / source.shape().size(0) / columns);
    }

    @Override
    protected void compute(long first, double[] target, int count) {
        source.read(first, target, count);
        int length = columns * depth;
        int top = Math.toIntExact(first / length);
        int bottom = Math.toIntExact((first + count - 1) / length) + 1;
        for (Change change : changes) {
            int start = change.place().first();
            for (int head = 0; head < change.heads(); head++) {
                int slice = start + head * change.size();
                int from = isByRow ? Math.max(top, slice) : top;
                int to = isByRow ? Math.min(bottom, slice + change.size()) : bottom;
                if (from < to) {
                    DMatrixRMaj factors = change.factors().apply(head);
                    if (isByRow) {
                        combineRows(slice, factors, from, to, first, target, count);
                    } else {
                        combineColumns(slice, factors, from, to, first, target, count);
                    }
                }
            }
        }
    }

    /** The rows {@code from} to {@code to}, all of the head that begins at {@code head}. */
    private void combineRows(int head, DMatrixRMaj factors, int from, int to, long first, double[] target, int count) {
        int length = columns * depth;
        for (int other = 0; other < factors.numRows; other++) {
            double[] row = PermutedTensor.row(source, head + other, length);
            for (int i = from; i < to; i++) {
                double factor = factors.get(i - head, other);
                long start = (long) i * length - first;
                int begin = (int) Math.max(0, -start);
                int end = (int) Math.min(length, count - start);
                int shift = (int) start;
                if (other == 0) {
                    Arrays.fill(target, shift + begin, shift + end, 0);
                }
                for (int k = begin; k < end; k++) {
                    target[shift + k] += factor * row[k];
                }
            }
        }
    }

    /** The head's columns of the rows {@code from} to {@code to}. */
    private void combineColumns(
            int head, DMatrixRMaj factors, int from, int to, long first, double[] target, int count) {
        int length = columns * depth;
        int size = factors.numRows;
        for (int i = from; i < to; i++) {
            double[] row = PermutedTensor.row(source, i, length);
            int start = (int) ((long) i * length - first);
            for (int k = 0; k < depth; k++) {
                double[] sums = new double[size];
                for (int other = 0; other < size; other++) {
                    double value = row[(head + other) * depth + k];
                    for (int j = 0; j < size; j++) {
                        sums[j] += value * factors.data[other * size + j];
                    }
                }
                for (int j = 0; j < size; j++) {
                    int at = start + (head + j) * depth + k;
                    if (at >= 0 && at < count) {
                        target[at] = sums[j];
                    }
                }
            }
        }
    }
}
