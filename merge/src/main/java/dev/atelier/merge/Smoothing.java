package dev.atelier.merge;

import dev.atelier.checkpoint.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;

/**
 * SuperMerger's smoothAdd: the difference B − C, smoothed along every axis, before it is added. Slice by slice along axis 0, where
 * the median needs one neighbour on each side and the Gaussian four.
 */
final class Smoothing {
    private static final Parameter<Double> ALPHA = Parameter.number("alpha", 1, "how much of the difference is added");
    private static final int RADIUS = 4;

    /** Into so many pieces a tensor is divided, for as many cores as there are. */
    private static final int PIECES = 16;

    static final List<MergeMethod> METHODS = List.of(MergeMethod.named("smooth-add")
            .formula("A + alpha*gauss(median(B - C)): a median of 3 and a Gaussian of sigma 1 along every axis; slow")
            .inputs("A", "B", "C")
            .multiplier(ALPHA)
            .source("SuperMerger smoothAdd")
            .tensors((in, p) -> {
                double alpha = p.of(ALPHA);
                return in.shape().rank() == 0
                        ? in.triples((a, b, c) -> a + alpha * (b - c))
                        : in.whole(() -> added(in, alpha));
            }));

    private final Operands in;
    private final int slices;
    private final int length;
    private final Shape inside;
    private final double[] weights = new double[2 * RADIUS + 1];
    private final double[][] sums;
    private final Recent differences;
    private final Recent medians;

    private Smoothing(Operands in) {
        this.in = in;
        this.slices = (int) in.shape().size(0);
        this.length = (int) in.rowLength();
        this.inside = Shape.of(Arrays.stream(in.shape().sizes()).skip(1).toArray());
        for (int k = -RADIUS; k <= RADIUS; k++) {
            weights[k + RADIUS] = Math.exp(-k * k / 2.0);
        }
        double sum = Arrays.stream(weights).sum();
        Arrays.setAll(weights, k -> weights[k] / sum);
        this.sums = new double[2][length];
        this.differences = new Recent(slices, length, this::difference);
        this.medians = new Recent(slices, length, this::median);
    }

    /** The last slices that were asked for: more than there are neighbours. */
    private static final class Recent {
        private static final int KEPT = 16;

        private final ObjIntConsumer<double[]> computation;
        private final int[] slices;
        private final double[][] kept;

        Recent(int slices, int length, ObjIntConsumer<double[]> computation) {
            this.computation = computation;
            this.kept = new double[Math.min(KEPT, slices)][length];
            this.slices = new int[kept.length];
            Arrays.fill(this.slices, -1);
        }

        double[] of(int slice) {
            int at = slice % kept.length;
            if (slices[at] != slice) {
                computation.accept(kept[at], slice);
                slices[at] = slice;
            }
            return kept[at];
        }
    }

    private static Numbers added(Operands in, double alpha) {
        Numbers result = new Numbers(in.first().dtype(), in.elements());
        int slices = (int) in.shape().size(0);
        int pieces = Math.min(slices, PIECES);
        IntStream.range(0, pieces).parallel().forEach(piece -> {
            Smoothing smoothing = new Smoothing(in);
            for (int slice = slices * piece / pieces; slice < slices * (piece + 1) / pieces; slice++) {
                double[] smooth = smoothing.gauss(slice);
                long first = (long) slice * smooth.length;
                in.sweep(
                        first,
                        smooth.length,
                        (x, index) -> result.set((int) index, x[0] + alpha * smooth[(int) (index - first)]));
            }
        });
        return result;
    }

    private void difference(double[] result, int slice) {
        long first = (long) slice * length;
        in.sweep(first, length, (x, index) -> result[(int) (index - first)] = x[1] - x[2]);
    }

    /** The middle one of the 3ⁿ neighbours along n axes. */
    private void median(double[] result, int slice) {
        double[][] neighbours = new double[3][];
        for (int step = -1; step <= 1; step++) {
            neighbours[step + 1] = differences.of(reflected(slice + step, slices));
        }
        int count = (int) Math.pow(3, inside.rank());
        int[] around = new int[count];
        double[] window = new double[3 * count];
        int[] place = new int[inside.rank()];
        for (int i = 0; i < length; i++) {
            collect(place, 0, 0, around, 0);
            for (int j = 0; j < window.length; j++) {
                window[j] = neighbours[j / count][around[j % count]];
            }
            Arrays.sort(window);
            result[i] = window[window.length / 2];
            for (int axis = place.length - 1; axis >= 0 && ++place[axis] == inside.size(axis); axis--) {
                place[axis] = 0;
            }
        }
    }

    /** Puts the indices of a place's neighbours, and its own, into {@code around} from {@code found} on; returns how many. */
    private int collect(int[] place, int axis, int index, int[] around, int found) {
        if (axis == place.length) {
            around[found] = index;
            return found + 1;
        }
        int size = (int) inside.size(axis);
        int next = found;
        for (int step = -1; step <= 1; step++) {
            next = collect(place, axis + 1, index * size + reflected(place[axis] + step, size), around, next);
        }
        return next;
    }

    private double[] gauss(int slice) {
        double[] current = sums[0];
        double[] next = sums[1];
        Arrays.fill(current, 0);
        for (int k = -RADIUS; k <= RADIUS; k++) {
            double[] median = medians.of(reflected(slice + k, slices));
            double weight = weights[k + RADIUS];
            for (int i = 0; i < length; i++) {
                current[i] += weight * median[i];
            }
        }
        int inner = length;
        for (int axis = 0; axis < inside.rank(); axis++) {
            int size = (int) inside.size(axis);
            inner /= Math.max(1, size);
            for (int i = 0; i < length; i++) {
                int place = i / inner % size;
                double total = 0;
                for (int k = -RADIUS; k <= RADIUS; k++) {
                    total += weights[k + RADIUS] * current[i + (reflected(place + k, size) - place) * inner];
                }
                next[i] = total;
            }
            double[] swapped = current;
            current = next;
            next = swapped;
        }
        return current;
    }

    /** Past an end, back from it, the end twice: d c b a | a b c d | d c b a. */
    private static int reflected(int place, int size) {
        int turned = Math.floorMod(place, 2 * size);
        return turned < size ? turned : 2 * size - 1 - turned;
    }
}
