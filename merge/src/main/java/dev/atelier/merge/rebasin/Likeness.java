package dev.atelier.merge.rebasin;

import java.util.stream.IntStream;

/** How like each of the reference's neurons each of the model's is: sums over the slices of all tensors in which they are. */
final class Likeness {
    /** How many numbers of each slice are multiplied at once, of how many slices with how many others: what stays in a core's caches. */
    private static final int PANEL = 64;

    private static final int ROWS = 32;
    private static final int COLUMNS = 640;

    /** What sums in fp32 are wrong by at most, as a share of the squares. */
    private static final double ROUNDING = 1e-6;

    private final int step;
    private final float[][] products;
    private final double[] apart;
    private final double[] squares;
    private final double[] others;
    private final float[][] left;
    private final float[][] right;

    /**
     * @param step of so many panels of numbers one is looked at, the first of each tensor among them; 1 for all
     */
    Likeness(int count, int step) {
        this.step = step;
        this.products = new float[count][count];
        this.apart = new double[count];
        this.squares = new double[count];
        this.others = new double[count];
        this.left = new float[PANEL][count];
        this.right = new float[PANEL][count];
    }

    /** The dot products: a row for each of the reference's neurons, a column for each of the model's. */
    float[][] products() {
        return products;
    }

    void add(Slices reference, Slices model) {
        for (int first = 0; first < reference.length(); first += PANEL) {
            reference.fill(left, first);
            model.fill(right, first);
            boolean isLookedAt = first / PANEL % step == 0;
            int used = Math.min(PANEL, (reference.length() - first + 3) / 4 * 4);
            IntStream.rangeClosed(0, (apart.length - 1) / ROWS).parallel().forEach(tile -> {
                int from = tile * ROWS;
                int to = Math.min(apart.length, from + ROWS);
                addSquares(from, to, isLookedAt);
                for (int column = 0; isLookedAt && column < apart.length; column += COLUMNS) {
                    int end = Math.min(apart.length, column + COLUMNS);
                    for (int k = 0; k < used; k += 4) {
                        for (int i = from; i < to; i++) {
                            addFour(k, i, products[i], column, end);
                        }
                    }
                }
            });
        }
    }

    private void addSquares(int from, int to, boolean isLookedAt) {
        for (int k = 0; k < PANEL; k++) {
            for (int i = from; i < to; i++) {
                double difference = left[k][i] - right[k][i];
                apart[i] += difference * difference;
                if (isLookedAt) {
                    squares[i] += left[k][i] * left[k][i];
                    others[i] += right[k][i] * right[k][i];
                }
            }
        }
    }

    /** Four of the terms of a row's products; C2 makes vectors of it because all arrays have the same index. */
    private void addFour(int k, int i, float[] row, int from, int to) {
        float a = left[k][i];
        float b = left[k + 1][i];
        float c = left[k + 2][i];
        float d = left[k + 3][i];
        float[] first = right[k];
        float[] second = right[k + 1];
        float[] third = right[k + 2];
        float[] fourth = right[k + 3];
        for (int j = from; j < to; j++) {
            row[j] = Math.fma(
                    a, first[j], Math.fma(b, second[j], Math.fma(c, third[j], Math.fma(d, fourth[j], row[j]))));
        }
    }

    /**
     * Whether what was looked at proves the order that the model's neurons are in to be the best. Of the squared distances d(i, j), which
     * what was not looked at can only make longer, the best order has the least sum; and where d(i, j) ≥ u(i) + v(j) for all pairs, no
     * sum is less than that of all u and v, which are d(i, i) / 2 here.
     */
    boolean provesOrder() {
        return IntStream.range(0, apart.length).parallel().allMatch(i -> {
            for (int j = 0; j < apart.length; j++) {
                double sum = squares[i] + others[j];
                double distance = sum - 2 * products[i][j];
                if (i != j && distance + ROUNDING * sum < (apart[i] + apart[j]) / 2) {
                    return false;
                }
            }
            return true;
        });
    }
}
