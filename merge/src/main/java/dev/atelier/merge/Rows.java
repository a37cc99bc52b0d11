package dev.atelier.merge;

import java.util.Arrays;

/** Cosines between two differences, a row at a time. */
final class Rows {
    private Rows() {}

    /** For each row of {@code length} elements, the cosine between A − base and B − base; norms are floored at 1e-8. */
    static double[] cosines(Operands in, long length) {
        int rows = Math.toIntExact(in.elements() / length);
        double[] cosines = new double[rows];
        double[] sums = new double[3]; // of the row at hand
        in.sweep((x, index) -> {
            sums[0] += (x[1] - x[0]) * (x[2] - x[0]);
            sums[1] += (x[1] - x[0]) * (x[1] - x[0]);
            sums[2] += (x[2] - x[0]) * (x[2] - x[0]);
            if ((index + 1) % length == 0) {
                double norms = Math.max(Math.sqrt(sums[1]), 1e-8) * Math.max(Math.sqrt(sums[2]), 1e-8);
                cosines[(int) (index / length)] = sums[0] / norms;
                Arrays.fill(sums, 0);
            }
        });
        return cosines;
    }
}
