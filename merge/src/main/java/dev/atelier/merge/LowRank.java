package dev.atelier.merge;

import dev.atelier.checkpoint.Shape;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/** Differences simplified to few numbers. Memory: five times 8 bytes per element of the largest tensor. */
final class LowRank {
    private static final Parameter<Double> STRENGTH = Parameter.number("alpha", 1, "how much of it is added");
    private static final Parameter<Long> RANK = Parameter.whole("rank", 8, 0, "how many singular values are kept");
    private static final Parameter<Double> RATIO =
            Parameter.between("ratio", 0.5, 0, 1, "how the numbers are shared between the two factors");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("truncate-rank")
                    .formula("base + alpha*(the matrix of rank r nearest to B - base)")
                    .inputs("base", "B")
                    .multiplier(STRENGTH)
                    .parameters(RANK)
                    .source("sd-mecha truncate_rank, exact")
                    .tensors((in, p) -> {
                        double alpha = p.of(STRENGTH);
                        long rank = p.of(RANK);
                        return in.whole(() -> added(in, alpha, nearestOfRank(difference(in, in.shape()), rank).data));
                    }),
            MergeMethod.named("truncate-kronecker")
                    .formula("base + alpha*(the Kronecker product nearest to B - base)")
                    .inputs("base", "B")
                    .multiplier(STRENGTH)
                    .parameters(RATIO)
                    .source("sd-mecha truncate_kronecker, exact; Van Loan and Pitsianis 1993")
                    .tensors((in, p) -> {
                        double alpha = p.of(STRENGTH);
                        double ratio = p.of(RATIO);
                        return in.whole(() -> added(in, alpha, Kronecker.nearest(difference(in), in.shape(), ratio)));
                    }));

    private LowRank() {}

    private static double[] difference(Operands in) {
        double[] difference = in.load(1);
        in.sweep((x, index) -> difference[(int) index] -= x[0]);
        return difference;
    }

    /** One row per output channel. */
    private static DMatrixRMaj difference(Operands in, Shape shape) {
        int rows = shape.rank() == 0 ? 1 : (int) shape.size(0);
        return DMatrixRMaj.wrap(rows, (int) in.elements() / Math.max(1, rows), difference(in));
    }

    private static double[] added(Operands in, double alpha, double[] difference) {
        in.sweep((x, index) -> difference[(int) index] = x[0] + alpha * difference[(int) index]);
        return difference;
    }

    /** Projected on the eigenvectors of the largest eigenvalues of the smaller Gram matrix (Eckart and Young 1936). */
    static DMatrixRMaj nearestOfRank(DMatrixRMaj matrix, long rank) {
        int smaller = Math.min(matrix.numRows, matrix.numCols);
        if (rank >= smaller) {
            return matrix;
        }
        boolean wide = matrix.numRows <= matrix.numCols;
        DMatrixRMaj gram = new DMatrixRMaj(smaller, smaller);
        if (wide) {
            CommonOps_DDRM.multTransB(matrix, matrix, gram);
        } else {
            CommonOps_DDRM.multTransA(matrix, matrix, gram);
        }
        DMatrixRMaj vectors = Eigen.of(gram).largest((int) rank);
        DMatrixRMaj inside = new DMatrixRMaj(1, 1);
        DMatrixRMaj result = new DMatrixRMaj(1, 1);
        if (wide) {
            CommonOps_DDRM.multTransA(vectors, matrix, inside);
            CommonOps_DDRM.mult(vectors, inside, result);
        } else {
            CommonOps_DDRM.mult(matrix, vectors, inside);
            CommonOps_DDRM.multTransB(inside, vectors, result);
        }
        return result;
    }
}
