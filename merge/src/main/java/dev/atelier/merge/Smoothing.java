package dev.atelier.merge;

import dev.atelier.checkpoint.Shape;
import java.util.Arrays;
import java.util.List;

/** SuperMerger's smoothAdd: the difference B − C, smoothed along every axis, before it is added. */
final class Smoothing {
    private static final Parameter<Double> ALPHA = Parameter.number("alpha", 1, "how much of the difference is added");
    private static final int RADIUS = 4;

    static final List<MergeMethod> METHODS = List.of(MergeMethod.named("smooth-add")
            .formula("A + alpha*gauss(median(B - C)): a median of 3 and a Gaussian of sigma 1 along every axis; slow")
            .inputs("A", "B", "C")
            .multiplier(ALPHA)
            .source("SuperMerger smoothAdd")
            .tensors((in, p) -> {
                double alpha = p.of(ALPHA);
                return in.whole(() -> {
                    double[] difference = in.load(1);
                    double[] base = in.load(2);
                    for (int i = 0; i < difference.length; i++) {
                        difference[i] -= base[i];
                    }
                    double[] result = gauss(median(difference, in.shape()), in.shape());
                    double[] a = in.load(0);
                    for (int i = 0; i < result.length; i++) {
                        result[i] = a[i] + alpha * result[i];
                    }
                    return result;
                });
            }));

    private Smoothing() {}

    /** The middle one of the 3ⁿ neighbours along n axes. */
    private static double[] median(double[] values, Shape shape) {
        int[] neighbours = {0};
        double[] window = new double[(int) Math.pow(3, shape.rank())];
        double[] result = new double[values.length];
        int[] place = new int[shape.rank()];
        for (int i = 0; i < values.length; i++) {
            neighbours[0] = 0;
            collect(values, shape, place, 0, 0, window, neighbours);
            Arrays.sort(window);
            result[i] = window[window.length / 2];
            advance(place, shape);
        }
        return result;
    }

    private static void collect(
            double[] values, Shape shape, int[] place, int axis, int index, double[] window, int[] found) {
        if (axis == place.length) {
            window[found[0]++] = values[index];
            return;
        }
        int size = (int) shape.size(axis);
        for (int step = -1; step <= 1; step++) {
            collect(values, shape, place, axis + 1, index * size + reflected(place[axis] + step, size), window, found);
        }
    }

    private static void advance(int[] place, Shape shape) {
        for (int axis = place.length - 1; axis >= 0 && ++place[axis] == shape.size(axis); axis--) {
            place[axis] = 0;
        }
    }

    private static double[] gauss(double[] values, Shape shape) {
        double[] weights = new double[2 * RADIUS + 1];
        for (int k = -RADIUS; k <= RADIUS; k++) {
            weights[k + RADIUS] = Math.exp(-k * k / 2.0);
        }
        double sum = Arrays.stream(weights).sum();
        double[] current = values;
        int inner = values.length;
        for (int axis = 0; axis < shape.rank(); axis++) {
            int size = (int) shape.size(axis);
            inner /= Math.max(1, size);
            double[] next = new double[values.length];
            for (int i = 0; i < next.length; i++) {
                int place = i / inner % size;
                double total = 0;
                for (int k = -RADIUS; k <= RADIUS; k++) {
                    total += weights[k + RADIUS] / sum * current[i + (reflected(place + k, size) - place) * inner];
                }
                next[i] = total;
            }
            current = next;
        }
        return current;
    }

    /** Past an end, back from it, the end twice: d c b a | a b c d | d c b a. */
    private static int reflected(int place, int size) {
        int turned = Math.floorMod(place, 2 * size);
        return turned < size ? turned : 2 * size - 1 - turned;
    }
}
