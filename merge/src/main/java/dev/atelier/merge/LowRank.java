package dev.atelier.merge;

import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/** Differences simplified to few numbers. */
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
                        Matrix difference = Matrix.ofRows(in);
                        int rank = (int) Math.min(p.of(RANK), difference.smaller());
                        return rank == difference.smaller()
                                ? in.pairs((base, b) -> base + alpha * (b - base))
                                : in.after(
                                        () -> difference.nearestOfRank(rank),
                                        nearest -> (x, index) -> x[0] + alpha * nearest.of(index));
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
                        return in.shape().rank() < 2
                                ? in.pairs((base, b) -> base + alpha * (b - base))
                                : in.after(
                                        () -> Kronecker.nearest(in, ratio),
                                        nearest -> (x, index) -> x[0] + alpha * nearest.of(index));
                    }));

    private LowRank() {}

    /** An element of something that need not exist as a whole. */
    @FunctionalInterface
    interface Element {
        double of(long index);
    }

    /** The difference of the second tensor from the first as a matrix with a row per output channel, read in stripes. */
    private record Matrix(Operands in, int rows, int columns) {
        /** Elements of a stripe: 16 MB. */
        private static final int STRIPE = 1 << 21;

        static Matrix ofRows(Operands in) {
            int rows = in.shape().rank() == 0 ? 1 : (int) in.shape().size(0);
            return new Matrix(in, rows, (int) in.elements() / Math.max(1, rows));
        }

        int smaller() {
            return Math.min(rows, columns);
        }

        private boolean isWide() {
            return rows <= columns;
        }

        @FunctionalInterface
        private interface Visitor {
            /** @param stripe its rows are some of the matrix's rows, or columns if it is wide, from {@code first} on */
            void at(int first, DMatrixRMaj stripe);
        }

        /** Visits the matrix cut across its longer side. */
        private void stripes(Visitor visitor) {
            int longer = Math.max(rows, columns);
            int width = Math.max(1, STRIPE / smaller());
            for (int first = 0; first < longer; first += width) {
                DMatrixRMaj stripe = new DMatrixRMaj(Math.min(width, longer - first), smaller());
                if (isWide()) {
                    for (int row = 0; row < rows; row++) {
                        long start = (long) row * columns + first;
                        int column = row;
                        in.sweep(
                                start,
                                stripe.numRows,
                                (x, index) -> stripe.set((int) (index - start), column, x[1] - x[0]));
                    }
                } else {
                    long start = (long) first * columns;
                    in.sweep(start, stripe.data.length, (x, index) -> stripe.data[(int) (index - start)] = x[1] - x[0]);
                }
                visitor.at(first, stripe);
            }
        }

        /**
         * Projected on the eigenvectors of the largest eigenvalues of the smaller Gram matrix (Eckart and Young 1936). Memory: that
         * matrix a few times, and {@code rank} numbers for each row of the longer side.
         */
        Element nearestOfRank(int rank) {
            DMatrixRMaj gram = new DMatrixRMaj(smaller(), smaller());
            stripes((_, stripe) -> CommonOps_DDRM.multAddTransA(stripe, stripe, gram));
            DMatrixRMaj vectors = Eigen.of(gram).largest(rank);
            DMatrixRMaj inside = new DMatrixRMaj(Math.max(rows, columns), rank);
            stripes((first, stripe) -> {
                DMatrixRMaj part = new DMatrixRMaj(1, 1);
                CommonOps_DDRM.mult(stripe, vectors, part);
                CommonOps_DDRM.insert(part, inside, first, 0);
            });
            return index -> {
                int row = (int) (index / columns);
                int column = (int) (index % columns);
                int longer = (isWide() ? column : row) * rank;
                int shorter = (isWide() ? row : column) * rank;
                double sum = 0;
                for (int i = 0; i < rank; i++) {
                    sum += inside.data[longer + i] * vectors.data[shorter + i];
                }
                return sum;
            };
        }
    }
}
