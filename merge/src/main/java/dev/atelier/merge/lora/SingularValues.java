package dev.atelier.merge.lora;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.ejml.interfaces.decomposition.QRDecomposition;

/**
 * The largest singular values of a matrix with their vectors. The same matrix gives the same bits everywhere; the largest
 * number of every right vector is positive.
 *
 * @param left a column for each value
 * @param values largest first
 * @param right a row for each value
 * @param energy the sum of the squares of all values that the matrix has
 * @param count how many it has: the smaller of its sizes
 */
record SingularValues(DMatrixRMaj left, List<Double> values, DMatrixRMaj right, double energy, int count) {
    /** Directions beyond those asked for; Halko, Martinsson and Tropp 2011 find 5 to 10 enough. */
    private static final int OVERSAMPLING = 10;

    /** When more than this share of the values is asked for, the whole decomposition costs no more than the search. */
    private static final int SEARCHED_SHARE = 4;

    private static final int MAX_ROUNDS = 8;

    /** The search ends when a round finds less than this share more of the energy. */
    private static final double CONVERGED = 1e-5;

    private static final long SEED = 1;

    /** At least {@code wanted} values, or all. Memory: up to twice that of the matrix. */
    static SingularValues of(DMatrixRMaj matrix, int wanted) {
        if (matrix.numRows > matrix.numCols) {
            SingularValues turned = of(transposed(matrix), wanted);
            return new SingularValues(
                            transposed(turned.right),
                            turned.values,
                            transposed(turned.left),
                            turned.energy,
                            turned.count)
                    .oriented();
        }
        int rows = matrix.numRows;
        double energy = energy(matrix);
        if ((wanted + OVERSAMPLING) * SEARCHED_SHARE > rows) {
            return inside(CommonOps_DDRM.identity(rows), matrix, energy).oriented();
        }
        DMatrixRMaj start = new DMatrixRMaj(matrix.numCols, wanted + OVERSAMPLING);
        RandomMatrices_DDRM.fillGaussian(start, 0, 1, new Random(SEED));
        DMatrixRMaj basis = transposed(orthonormal(product(matrix, start)));
        DMatrixRMaj inside = product(basis, matrix);
        double found = 0;
        for (int round = 0; round < MAX_ROUNDS && energy(inside) - found > CONVERGED * energy; round++) {
            found = energy(inside);
            basis = transposed(orthonormal(product(matrix, transposed(inside))));
            inside = product(basis, matrix);
        }
        return inside(basis, inside, energy).oriented();
    }

    /** Of a product, without multiplying it out where it is of low rank: of the small matrix that is left between two bases. */
    static SingularValues of(Factors factors) {
        int count = Math.min(factors.up().numRows, factors.down().numCols);
        if (factors.rank() >= count) {
            return of(product(factors.up(), factors.down()), count);
        }
        QRDecomposition<DMatrixRMaj> up = qr(factors.up());
        QRDecomposition<DMatrixRMaj> down = qr(transposed(factors.down()));
        DMatrixRMaj core = product(up.getR(null, true), transposed(down.getR(null, true)));
        SingularValues between = of(core, factors.rank());
        return new SingularValues(
                        product(up.getQ(null, true), between.left),
                        between.values,
                        product(between.right, transposed(down.getQ(null, true))),
                        between.energy,
                        count)
                .oriented();
    }

    /** The nearest matrix of a rank, in two factors of equal size. */
    Factors nearest(int rank) {
        DMatrixRMaj up = CommonOps_DDRM.extract(left, 0, left.numRows, 0, rank);
        DMatrixRMaj down = CommonOps_DDRM.extract(right, 0, rank, 0, right.numCols);
        double[] roots = values.stream().limit(rank).mapToDouble(Math::sqrt).toArray();
        CommonOps_DDRM.multCols(up, roots);
        CommonOps_DDRM.multRows(roots, down);
        return new Factors(up, down);
    }

    /** From what a matrix is within a basis: {@code inside} is the basis (a row for each direction) times the matrix. */
    private static SingularValues inside(DMatrixRMaj basis, DMatrixRMaj inside, double energy) {
        int n = inside.numRows;
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(n, true, true);
        if (!eigen.decompose(product(inside, transposed(inside)))) {
            throw new ArithmeticException("a difference has no singular values; does it hold NaN or infinity?");
        }
        List<Integer> order = IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -eigen.getEigenvalue(i).real))
                .toList();
        DMatrixRMaj turn = new DMatrixRMaj(n, n); // an eigenvector in each row
        for (int row = 0; row < n; row++) {
            System.arraycopy(eigen.getEigenVector(order.get(row)).data, 0, turn.data, row * n, n);
        }
        DMatrixRMaj right = product(turn, inside);
        List<Double> values = new ArrayList<>();
        for (int row = 0; row < n; row++) {
            double squares = 0;
            for (int i = row * right.numCols; i < (row + 1) * right.numCols; i++) {
                squares += right.data[i] * right.data[i];
            }
            double value = Math.sqrt(squares);
            values.add(value);
            if (value > 0) {
                CommonOps_DDRM.scaleRow(1 / value, right, row);
            }
        }
        return new SingularValues(product(transposed(basis), transposed(turn)), values, right, energy, basis.numCols);
    }

    private SingularValues oriented() {
        for (int row = 0; row < values.size(); row++) {
            double largest = 0;
            for (int i = row * right.numCols; i < (row + 1) * right.numCols; i++) {
                largest = Math.abs(right.data[i]) > Math.abs(largest) ? right.data[i] : largest;
            }
            if (largest < 0) {
                CommonOps_DDRM.scaleRow(-1, right, row);
                CommonOps_DDRM.scaleCol(-1, left, row);
            }
        }
        return this;
    }

    private static DMatrixRMaj orthonormal(DMatrixRMaj columns) {
        return qr(columns).getQ(null, true);
    }

    private static QRDecomposition<DMatrixRMaj> qr(DMatrixRMaj matrix) {
        QRDecomposition<DMatrixRMaj> decomposition = DecompositionFactory_DDRM.qr(matrix.numRows, matrix.numCols);
        if (!decomposition.decompose(decomposition.inputModified() ? matrix.copy() : matrix)) {
            throw new ArithmeticException("a difference could not be decomposed; does it hold NaN or infinity?");
        }
        return decomposition;
    }

    private static double energy(DMatrixRMaj matrix) {
        double squares = 0;
        for (double element : matrix.data) {
            squares += element * element;
        }
        return squares;
    }

    private static DMatrixRMaj product(DMatrixRMaj a, DMatrixRMaj b) {
        return CommonOps_DDRM.mult(a, b, null);
    }

    private static DMatrixRMaj transposed(DMatrixRMaj matrix) {
        return CommonOps_DDRM.transpose(matrix, null);
    }
}
