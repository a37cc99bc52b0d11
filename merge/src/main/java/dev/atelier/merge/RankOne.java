package dev.atelier.merge;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The matrix of rank 1 nearest to another: its largest singular value with the two vectors, found by bidiagonalisation (Golub and
 * Kahan 1965, Lanczos' way, with full reorthogonalisation) in far fewer steps than the matrix has rows.
 */
final class RankOne {
    private static final int MOST_STEPS = 300;

    /** Of the singular value: what is left of the residual when the search ends. */
    private static final double PRECISION = 1e-13;

    private final double[] left;
    private final double[] right;

    private RankOne(double[] left, double[] right) {
        this.left = left;
        this.right = right;
    }

    double of(int row, int column) {
        return left[row] * right[column];
    }

    /** @param matrix row by row */
    static RankOne of(Numbers matrix, int rows, int columns) {
        List<double[]> us = new ArrayList<>();
        List<double[]> vs = new ArrayList<>();
        List<Double> diagonal = new ArrayList<>();
        List<Double> above = new ArrayList<>();
        double[] v = IntStream.range(0, columns)
                .mapToDouble(i -> RandomStream.uniform(0, 0, 0, i) - 0.5)
                .toArray();
        normalize(v);
        for (int step = 0; step < Math.min(MOST_STEPS, Math.min(rows, columns)); step++) {
            vs.add(v);
            double[] u = times(matrix, rows, columns, v);
            us.forEach(earlier -> orthogonalize(u, earlier));
            diagonal.add(normalize(u));
            us.add(u);
            double[] next = transposedTimes(matrix, rows, columns, u);
            vs.forEach(earlier -> orthogonalize(next, earlier));
            double rest = normalize(next);
            above.add(rest);
            v = next;
            if (step % 8 == 7 || rest == 0 || step + 1 == Math.min(rows, columns)) {
                Bidiagonal found = Bidiagonal.of(diagonal, above);
                if (rest * Math.abs(found.left[step]) <= PRECISION * found.value || found.value == 0) {
                    break;
                }
            }
        }
        Bidiagonal found = Bidiagonal.of(diagonal, above);
        double[] left = combined(us, found.left, rows);
        for (int i = 0; i < rows; i++) {
            left[i] *= found.value;
        }
        return new RankOne(left, combined(vs, found.right, columns));
    }

    /** The largest singular value of the small matrix, and its vectors. */
    private static final class Bidiagonal {
        private final double value;
        private final double[] left;
        private final double[] right;

        Bidiagonal(double value, double[] left, double[] right) {
            this.value = value;
            this.left = left;
            this.right = right;
        }

        static Bidiagonal of(List<Double> diagonal, List<Double> above) {
            int n = diagonal.size();
            DMatrixRMaj matrix = new DMatrixRMaj(n, n);
            for (int i = 0; i < n; i++) {
                matrix.set(i, i, diagonal.get(i));
                if (i + 1 < n) {
                    matrix.set(i, i + 1, above.get(i));
                }
            }
            SingularValueDecomposition_F64<DMatrixRMaj> svd = DecompositionFactory_DDRM.svd(n, n, true, true, false);
            if (!svd.decompose(matrix)) {
                throw new ArithmeticException("the singular values of a matrix could not be found; does it hold NaN?");
            }
            double[] values = svd.getSingularValues();
            int largest = 0;
            for (int i = 1; i < n; i++) {
                largest = values[i] > values[largest] ? i : largest;
            }
            double[] left = new double[n];
            double[] right = new double[n];
            DMatrixRMaj u = svd.getU(null, false);
            DMatrixRMaj v = svd.getV(null, false);
            for (int i = 0; i < n; i++) {
                left[i] = u.get(i, largest);
                right[i] = v.get(i, largest);
            }
            return new Bidiagonal(values[largest], left, right);
        }
    }

    private static double[] times(Numbers matrix, int rows, int columns, double[] v) {
        return IntStream.range(0, rows)
                .parallel()
                .mapToDouble(row -> {
                    double sum = 0;
                    for (int column = 0; column < columns; column++) {
                        sum += matrix.get(row * columns + column) * v[column];
                    }
                    return sum;
                })
                .toArray();
    }

    /** In pieces of columns, so that every sum runs in the order of the rows. */
    private static double[] transposedTimes(Numbers matrix, int rows, int columns, double[] u) {
        double[] result = new double[columns];
        int pieces = Math.min(columns, 16);
        IntStream.range(0, pieces).parallel().forEach(piece -> {
            int end = columns * (piece + 1) / pieces;
            for (int row = 0; row < rows; row++) {
                for (int column = columns * piece / pieces; column < end; column++) {
                    result[column] += matrix.get(row * columns + column) * u[row];
                }
            }
        });
        return result;
    }

    private static void orthogonalize(double[] vector, double[] unit) {
        double dot = 0;
        for (int i = 0; i < vector.length; i++) {
            dot += vector[i] * unit[i];
        }
        for (int i = 0; i < vector.length; i++) {
            vector[i] -= dot * unit[i];
        }
    }

    /** Gives it length 1, if it has any, and returns what it had. */
    private static double normalize(double[] vector) {
        double square = 0;
        for (double number : vector) {
            square += number * number;
        }
        double norm = Math.sqrt(square);
        for (int i = 0; i < vector.length && norm > 0; i++) {
            vector[i] /= norm;
        }
        return norm;
    }

    private static double[] combined(List<double[]> vectors, double[] shares, int length) {
        double[] sum = new double[length];
        for (int i = 0; i < shares.length; i++) {
            for (int j = 0; j < length; j++) {
                sum[j] += shares[i] * vectors.get(i)[j];
            }
        }
        return sum;
    }
}
