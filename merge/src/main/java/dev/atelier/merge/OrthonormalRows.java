package dev.atelier.merge;

import org.ejml.data.DMatrixRMaj;

/**
 * A matrix as L·Q, L lower triangular and the rows of Q orthonormal or zero, by the method of Gram and Schmidt in its modified form. A row that
 * loses more than half of its length is gone over again ("twice is enough", Kahan and Parlett).
 */
final class OrthonormalRows {
    /** What is left of a row that depends on those before it, as a share of its length. */
    private static final double NOTHING = 1e-12;

    private final double[] values;
    private final int width;

    private OrthonormalRows(DMatrixRMaj matrix) {
        this.values = matrix.data;
        this.width = matrix.numCols;
    }

    /**
     * Puts Q in the place of the matrix; where a row depends on those before it, Q has zeros.
     *
     * @return L
     */
    static DMatrixRMaj of(DMatrixRMaj matrix) {
        OrthonormalRows rows = new OrthonormalRows(matrix);
        DMatrixRMaj lower = new DMatrixRMaj(matrix.numRows, matrix.numRows);
        for (int row = 0; row < matrix.numRows; row++) {
            double all = Math.sqrt(rows.dot(row, row));
            double[] shares = new double[row];
            double length = rows.reduce(row, shares);
            System.arraycopy(shares, 0, lower.data, row * matrix.numRows, row);
            boolean isNew = length > NOTHING * all;
            lower.set(row, row, isNew ? length : 0);
            rows.scale(row, isNew ? 1 / length : 0);
        }
        return lower;
    }

    /** Takes from a row what lies in those before it, and adds their shares; returns the length that is left. */
    private double reduce(int row, double[] shares) {
        double before;
        double after = Math.sqrt(dot(row, row));
        do {
            before = after;
            for (int other = 0; other < row; other++) {
                double share = dot(row, other);
                shares[other] += share;
                subtract(share, other, row);
            }
            after = Math.sqrt(dot(row, row));
        } while (after < before / 2 && after > 0);
        return after;
    }

    private double dot(int one, int other) {
        int a = one * width;
        int b = other * width;
        double first = 0;
        double second = 0;
        double third = 0;
        double fourth = 0;
        int i = 0;
        for (; i + 4 <= width; i += 4) {
            first = Math.fma(values[a + i], values[b + i], first);
            second = Math.fma(values[a + i + 1], values[b + i + 1], second);
            third = Math.fma(values[a + i + 2], values[b + i + 2], third);
            fourth = Math.fma(values[a + i + 3], values[b + i + 3], fourth);
        }
        for (; i < width; i++) {
            first += values[a + i] * values[b + i];
        }
        return first + second + (third + fourth);
    }

    private void subtract(double share, int other, int row) {
        for (int i = 0; i < width; i++) {
            values[row * width + i] -= share * values[other * width + i];
        }
    }

    private void scale(int row, double factor) {
        for (int i = 0; i < width; i++) {
            values[row * width + i] *= factor;
        }
    }
}
