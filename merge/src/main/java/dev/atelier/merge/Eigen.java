package dev.atelier.merge;

import java.util.Comparator;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/** The eigenvalues and orthonormal eigenvectors of a symmetric matrix, the largest value first. */
public record Eigen(List<Double> values, DMatrixRMaj vectors) {
    public static Eigen of(DMatrixRMaj symmetric) {
        int n = symmetric.numRows;
        EigenDecomposition_F64<DMatrixRMaj> decomposition = DecompositionFactory_DDRM.eig(n, true, true);
        if (!decomposition.decompose(symmetric.copy())) {
            throw new ArithmeticException("the eigenvalues of a matrix could not be found; does it hold NaN?");
        }
        List<Integer> order = IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -decomposition.getEigenvalue(i).real))
                .toList();
        DMatrixRMaj vectors = new DMatrixRMaj(n, n);
        for (int column = 0; column < n; column++) {
            DMatrixRMaj vector = decomposition.getEigenVector(order.get(column));
            CommonOps_DDRM.insert(vector, vectors, 0, column);
        }
        return new Eigen(
                order.stream().map(i -> decomposition.getEigenvalue(i).real).toList(), vectors);
    }

    /** The eigenvectors of the {@code count} largest eigenvalues, as columns. */
    DMatrixRMaj largest(int count) {
        return CommonOps_DDRM.extract(vectors, 0, vectors.numRows, 0, count);
    }

    /** The matrix with the same eigenvectors whose eigenvalues are a function of these. */
    public DMatrixRMaj map(DoubleUnaryOperator function) {
        DMatrixRMaj scaled = vectors.copy();
        for (int column = 0; column < values.size(); column++) {
            double value = function.applyAsDouble(values.get(column));
            for (int row = 0; row < scaled.numRows; row++) {
                scaled.set(row, column, scaled.get(row, column) * value);
            }
        }
        DMatrixRMaj result = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.multTransB(scaled, vectors, result);
        return result;
    }
}
