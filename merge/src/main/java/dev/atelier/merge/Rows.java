package dev.atelier.merge;

/** Cosines between two differences, a row at a time. */
final class Rows {
    private Rows() {}

    /** For each row of {@code length} elements, the cosine between A − base and B − base; norms are floored at 1e-8. */
    static double[] cosines(Operands in, long length) {
        int rows = Math.toIntExact(in.elements() / length);
        double[] dots = new double[rows];
        double[] a = new double[rows];
        double[] b = new double[rows];
        in.sweep((x, index) -> {
            int row = (int) (index / length);
            dots[row] += (x[1] - x[0]) * (x[2] - x[0]);
            a[row] += (x[1] - x[0]) * (x[1] - x[0]);
            b[row] += (x[2] - x[0]) * (x[2] - x[0]);
        });
        for (int row = 0; row < rows; row++) {
            dots[row] /= Math.max(Math.sqrt(a[row]), 1e-8) * Math.max(Math.sqrt(b[row]), 1e-8);
        }
        return dots;
    }
}
