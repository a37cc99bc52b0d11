package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.lerp;

import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.List;
import java.util.function.UnaryOperator;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * A turned towards B: the rotation that brings A's rows closest to B's (orthogonal Procrustes problem, Schönemann 1966),
 * or a part of it. The result has A's singular values in B's basis, and takes a singular value decomposition for each tensor. Memory:
 * 4 bytes per element; for matrices that are wider than high, twice 8.
 */
final class Rotation {
    private static final Parameter<Double> ALIGNMENT =
            Parameter.number("alignment", 1, "the power of the rotation; wide matrices take only whole numbers");
    private static final Parameter<Double> ALPHA =
            Parameter.number("alpha", 0, "the share of B, turned towards A, that is added before");
    private static final Parameter<Double> CENTRALIZATION =
            Parameter.number("centralization", 1, "how much of the mean row is left out of the rotation");

    /** Elements of the pieces that matrices are cut into: 8 MB. */
    private static final int STRIPE = 1 << 20;

    /** What wide ones take at once, in matrices of their size. */
    private static final int MATRICES = 2;

    private static final int STRIPE_WIDTH = 256;

    static final List<MergeMethod> METHODS = List.of(MergeMethod.named("rotate")
            .formula("lerp(A, B*Q^-1, alpha) * Q^alignment, Q the rotation with A*Q nearest to B; mean rows apart")
            .inputs("A", "B")
            .multiplier(ALIGNMENT)
            .parameters(ALPHA, CENTRALIZATION)
            .source("sd-mecha rotate")
            .tensors((in, p) -> rotate(in, p.of(ALIGNMENT), p.of(ALPHA), p.of(CENTRALIZATION))));

    private Rotation() {}

    private static Tensor rotate(Operands in, double alignment, double alpha, double centralization) {
        if (in.shape().rank() <= 1 || (alpha == 0 && alignment == 0) || (alpha == 1 && alignment == 1)) {
            return in.pairs((a, b) -> lerp(a, b, alpha)); // the last two are A and B
        }
        int columns = columns(in.shape());
        int rows = (int) (in.elements() / Math.max(1, columns));
        if (rows < columns && alignment != Math.rint(alignment)) {
            throw new IllegalArgumentException(
                    "rotate: alignment must be a whole number for \"%s\", which is wider than high"
                            .formatted(in.key()));
        }
        return in.whole(() -> {
            Numbers result = new Numbers(in.first().dtype(), in.elements());
            if (equalInHalfPrecision(in)) {
                in.sweep((x, index) -> result.set((int) index, lerp(x[0], x[1], alpha)));
                return result;
            }
            Centred x = Centred.of(in, 0, rows, columns, centralization);
            Centred y = Centred.of(in, 1, rows, columns, centralization);
            int height = Math.max(1, STRIPE / columns);
            Turn turn = rows >= columns ? square(x, y, height, alignment != Math.rint(alignment)) : wide(x, y);
            UnaryOperator<DMatrixRMaj> forwards = turn.power(alignment);
            UnaryOperator<DMatrixRMaj> backwards = turn.power(-1);
            Room.make(8L * height * columns);
            DMatrixRMaj part = new DMatrixRMaj(height, columns);
            DMatrixRMaj other = new DMatrixRMaj(alpha == 0 ? 0 : height, columns);
            for (int first = 0; first < rows; first += height) {
                x.rows(first, height, part);
                if (alpha != 0) {
                    DMatrixRMaj back = backwards.apply(y.rows(first, height, other));
                    for (int i = 0; i < part.getNumElements(); i++) {
                        part.data[i] = lerp(part.data[i], back.data[i], alpha);
                    }
                }
                double[] turned = forwards.apply(part).data;
                for (int i = 0; i < part.getNumElements(); i++) {
                    result.set(
                            first * columns + i, turned[i] + lerp(x.mean[i % columns], y.mean[i % columns], alignment));
                }
            }
            return result;
        });
    }

    /** A tensor as a matrix, with a share of the mean row taken off each row. */
    private static final class Centred {
        private final Operands in;
        private final int operand;
        private final int height;
        private final double[] mean;

        Centred(Operands in, int operand, int height, double[] mean) {
            this.in = in;
            this.operand = operand;
            this.height = height;
            this.mean = mean;
        }

        static Centred of(Operands in, int operand, int rows, int columns, double share) {
            double[] mean = new double[columns];
            in.sweep((x, index) -> mean[(int) (index % columns)] += share * x[operand] / rows);
            return new Centred(in, operand, rows, mean);
        }

        /** At most {@code count} rows, in {@code place}. */
        DMatrixRMaj rows(int first, int count, DMatrixRMaj place) {
            place.reshape(Math.min(count, height - first), mean.length);
            long start = (long) first * mean.length;
            in.sweep(start, place.getNumElements(), (x, index) -> {
                int at = (int) (index - start);
                place.data[at] = x[operand] - mean[at % mean.length];
            });
            return place;
        }
    }

    /** The taps of a convolution are rotated among themselves, other tensors within their input channels. */
    private static int columns(Shape shape) {
        long rest = shape.elements() / Math.max(1, shape.size(0));
        boolean taps = shape.rank() == 4 && shape.size(2) * shape.size(3) != 1;
        return (int) (taps ? shape.size(2) * shape.size(3) : rest);
    }

    /** The rotation of the rows of a matrix. */
    @FunctionalInterface
    private interface Turn {
        UnaryOperator<DMatrixRMaj> power(double exponent);
    }

    /** Q = U Vᵀ from the singular value decomposition U S Vᵀ of XᵀY. */
    private static Turn square(Centred x, Centred y, int height, boolean proper) {
        DMatrixRMaj product = new DMatrixRMaj(x.mean.length, x.mean.length);
        DMatrixRMaj ofX = new DMatrixRMaj(height, x.mean.length);
        DMatrixRMaj ofY = new DMatrixRMaj(height, x.mean.length);
        for (int first = 0; first < x.height; first += height) {
            CommonOps_DDRM.multAddTransA(x.rows(first, height, ofX), y.rows(first, height, ofY), product);
        }
        SingularValueDecomposition_F64<DMatrixRMaj> svd = svd(product);
        DMatrixRMaj u = svd.getU(null, false);
        DMatrixRMaj vt = svd.getV(null, true);
        if (proper && CommonOps_DDRM.det(u) * CommonOps_DDRM.det(vt) < 0) {
            flipSmallest(u, svd.getSingularValues()); // a reflection has no gradual powers
        }
        DMatrixRMaj q = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.mult(u, vt, q);
        return exponent -> {
            DMatrixRMaj power = power(q, exponent);
            DMatrixRMaj result = new DMatrixRMaj(1, 1);
            return rows -> {
                CommonOps_DDRM.mult(rows, power, result);
                return result;
            };
        };
    }

    private static void flipSmallest(DMatrixRMaj u, double[] singular) {
        int smallest = 0;
        for (int i = 1; i < singular.length; i++) {
            smallest = singular[i] < singular[smallest] ? i : smallest;
        }
        for (int row = 0; row < u.numRows; row++) {
            u.set(row, smallest, -u.get(row, smallest));
        }
    }

    /**
     * A power of a rotation. Its symmetric part S has the cosines of the angles as eigenvalues, and its antisymmetric part
     * K turns by a right angle, times the sine, what S leaves in place: Qᵗ = cos(t·acos S) + sin(t·acos S)/sin(acos S)·K.
     */
    private static DMatrixRMaj power(DMatrixRMaj q, double exponent) {
        if (exponent == 1) {
            return q;
        }
        DMatrixRMaj transposed = CommonOps_DDRM.transpose(q, null);
        if (exponent == -1) {
            return transposed;
        }
        DMatrixRMaj symmetric = new DMatrixRMaj(1, 1);
        DMatrixRMaj antisymmetric = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.add(0.5, q, 0.5, transposed, symmetric);
        CommonOps_DDRM.add(0.5, q, -0.5, transposed, antisymmetric);
        Eigen eigen = Eigen.of(symmetric);
        DMatrixRMaj result = eigen.map(cosine -> Math.cos(exponent * angle(cosine)));
        CommonOps_DDRM.multAdd(
                eigen.map(cosine -> {
                    double sine = Math.sin(angle(cosine));
                    return sine < 1e-9 ? 0 : Math.sin(exponent * angle(cosine)) / sine;
                }),
                antisymmetric,
                result);
        return result;
    }

    private static double angle(double cosine) {
        return Math.acos(Interpolation.clamp(cosine, -1, 1));
    }

    /**
     * Of fewer rows than columns only the span is turned, from X's basis U to Y's basis V: Z + (ZUᵀ − ZVᵀ)V, where UᵀSV is the singular
     * value decomposition of XᵀY. With Y = L·Q and LᵀX = M·P, that is Pᵀ·Mᵀ·Q, of which Mᵀ is small.
     */
    private static Turn wide(Centred x, Centred y) {
        int columns = x.mean.length;
        Room.make(MATRICES * 8L * x.height * columns);
        DMatrixRMaj v = y.rows(0, x.height, new DMatrixRMaj(x.height, columns));
        DMatrixRMaj lower = OrthonormalRows.of(v);
        DMatrixRMaj u = x.rows(0, x.height, new DMatrixRMaj(x.height, columns));
        CommonOps_DDRM.transpose(lower);
        multiply(lower, u);
        DMatrixRMaj inner = OrthonormalRows.of(u);
        CommonOps_DDRM.transpose(inner);
        SingularValueDecomposition_F64<DMatrixRMaj> svd = svd(inner);
        multiply(svd.getU(null, true), u);
        multiply(svd.getV(null, true), v);
        return exponent -> rows -> {
            for (int step = 0; step < Math.abs(exponent); step++) {
                move(rows, exponent > 0 ? u : v, exponent > 0 ? v : u);
            }
            return rows;
        };
    }

    private static void move(DMatrixRMaj rows, DMatrixRMaj from, DMatrixRMaj to) {
        DMatrixRMaj coordinates = CommonOps_DDRM.multTransB(rows, from, null);
        CommonOps_DDRM.multAddTransB(-1, rows, to, coordinates);
        CommonOps_DDRM.multAdd(coordinates, to, rows);
    }

    /** Multiplies a matrix by a small one from the left, in its place. */
    private static void multiply(DMatrixRMaj small, DMatrixRMaj matrix) {
        DMatrixRMaj stripe = new DMatrixRMaj(matrix.numRows, STRIPE_WIDTH);
        DMatrixRMaj product = new DMatrixRMaj(matrix.numRows, STRIPE_WIDTH);
        for (int first = 0; first < matrix.numCols; first += STRIPE_WIDTH) {
            int end = Math.min(matrix.numCols, first + STRIPE_WIDTH);
            stripe.reshape(matrix.numRows, end - first);
            CommonOps_DDRM.extract(matrix, 0, matrix.numRows, first, end, stripe);
            CommonOps_DDRM.mult(small, stripe, product);
            CommonOps_DDRM.insert(product, matrix, 0, first);
        }
    }

    private static SingularValueDecomposition_F64<DMatrixRMaj> svd(DMatrixRMaj matrix) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd =
                DecompositionFactory_DDRM.svd(matrix.numRows, matrix.numCols, true, true, true);
        if (!svd.decompose(matrix)) {
            throw new ArithmeticException("the singular values of a matrix could not be found; does it hold NaN?");
        }
        return svd;
    }

    /** There is no angle to turn by where fp16 hardly tells the two apart (to 1e-8 and a hundred thousandth). */
    private static boolean equalInHalfPrecision(Operands in) {
        boolean[] differs = {false};
        in.sweep((x, _) -> {
            double a = Float.float16ToFloat(Float.floatToFloat16((float) x[0]));
            double b = Float.float16ToFloat(Float.floatToFloat16((float) x[1]));
            differs[0] |= Math.abs(a - b) > 1e-8 + 1e-5 * Math.abs(b);
        });
        return !differs[0];
    }
}
