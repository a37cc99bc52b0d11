package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Map;
import java.util.regex.Pattern;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * LyCORIS's LoHa and LoKr as products of two factors, exactly: an elementwise product of matrices of ranks r and s has at most rank
 * r·s (its factors are their row-wise and column-wise Kronecker products), and so has a Kronecker product.
 */
final class LycorisProduct {
    /** Layers whose kernels are 3 × 3, which a flattened factor does not say. */
    private static final Pattern CONVOLUTION = Pattern.compile(
            ".*(conv|conv1|conv2|conv_in|conv_out|in_layers_2|out_layers_3|_op|out_2|input_blocks_0_0)");

    private static final int TAPS = 9;

    private LycorisProduct() {}

    static boolean is(LoraModule module) {
        return module.has("hada_w1_a") || module.has("lokr_w1") || module.has("lokr_w1_a");
    }

    /** @throws IllegalArgumentException if the tensors do not fit one another */
    static LayerProduct of(LoraModule module) {
        return module.has("hada_w1_a") ? hadamard(module) : kronecker(module);
    }

    private static LayerProduct hadamard(LoraModule module) {
        Factors first = factors(module, "hada_w1_a", "hada_w1_b", "hada_t1");
        Factors second = factors(module, "hada_w2_a", "hada_w2_b", "hada_t2");
        int rows = first.up().numRows;
        int columns = first.down().numCols;
        if (second.up().numRows != rows || second.down().numCols != columns) {
            throw new IllegalArgumentException("hada_w1 is [%d, %d], hada_w2 [%d, %d]"
                    .formatted(rows, columns, second.up().numRows, second.down().numCols));
        }
        int rank = first.rank() * second.rank();
        DMatrixRMaj up = new DMatrixRMaj(rows, rank);
        DMatrixRMaj down = new DMatrixRMaj(rank, columns);
        for (int i = 0; i < first.rank(); i++) {
            for (int j = 0; j < second.rank(); j++) {
                int at = i * second.rank() + j;
                for (int row = 0; row < rows; row++) {
                    up.set(row, at, first.up().get(row, i) * second.up().get(row, j));
                }
                for (int column = 0; column < columns; column++) {
                    down.set(
                            at,
                            column,
                            first.down().get(i, column) * second.down().get(j, column));
                }
            }
        }
        double scale = Delta.scale(module.parts(), Delta.rank(module.part("hada_w1_b")));
        return new LayerProduct(atMostFull(new Factors(up, down)), scale, input(module, "hada_t1", columns));
    }

    private static LayerProduct kronecker(LoraModule module) {
        Factors first = half(module, "1");
        Factors second = half(module, "2");
        Tensor inside =
                module.find("lokr_w2_b").or(() -> module.find("lokr_w1_b")).orElse(null);
        Map<String, Tensor> parts = module.parts();
        double scale = inside == null ? Delta.explicitScale(parts).orElse(1.0) : Delta.scale(parts, Delta.rank(inside));
        Factors product = new Factors(
                CommonOps_DDRM.kron(first.up(), second.up(), null),
                CommonOps_DDRM.kron(first.down(), second.down(), null));
        String shaped = module.has("lokr_w2") ? "lokr_w2" : "lokr_t2";
        return new LayerProduct(product, scale, input(module, shaped, product.down().numCols));
    }

    /** A factor that is stored whole becomes a product with the identity on its shorter side. */
    private static Factors half(LoraModule module, String which) {
        if (!module.has("lokr_w" + which)) {
            return factors(module, "lokr_w%s_a".formatted(which), "lokr_w%s_b".formatted(which), "lokr_t" + which);
        }
        Tensor whole = module.part("lokr_w" + which);
        int rows = Delta.rank(whole);
        return atMostFull(new Factors(
                CommonOps_DDRM.identity(rows),
                DMatrixRMaj.wrap(rows, Math.toIntExact(whole.shape().elements() / rows), Delta.load(whole))));
    }

    /** Of {@code a} times {@code b}; with a core between them, which is multiplied into the lower one, {@code a} is turned. */
    private static Factors factors(LoraModule module, String a, String b, String core) {
        Tensor above = module.part(a);
        Tensor below = module.part(b);
        int rank = Delta.rank(below);
        int rows = Math.toIntExact(above.shape().elements() / rank);
        int wide = Math.toIntExact(below.shape().elements() / rank);
        if ((long) rows * rank != above.shape().elements()) {
            throw new IllegalArgumentException("%s is %s, %s %s".formatted(a, above.shape(), b, below.shape()));
        }
        if (!module.has(core)) {
            return new Factors(
                    DMatrixRMaj.wrap(rows, rank, Delta.load(above)), DMatrixRMaj.wrap(rank, wide, Delta.load(below)));
        }
        Tensor middle = module.part(core);
        int taps = Math.toIntExact(middle.shape().elements() / rank / rank);
        if ((long) rank * rank * taps != middle.shape().elements()) {
            throw new IllegalArgumentException("%s is %s, %s %s".formatted(core, middle.shape(), b, below.shape()));
        }
        DMatrixRMaj turned = DMatrixRMaj.wrap(rank, rows, Delta.load(above));
        return new Factors(
                CommonOps_DDRM.transpose(turned, null),
                DMatrixRMaj.wrap(
                        rank,
                        wide * taps,
                        Delta.tucker(Delta.load(middle), rank, rank, taps, Delta.load(below), wide)));
    }

    /** The same product; if its rank exceeds its shorter side, as one with the identity there. */
    private static Factors atMostFull(Factors factors) {
        int rows = factors.up().numRows;
        int columns = factors.down().numCols;
        if (factors.rank() <= Math.min(rows, columns)) {
            return factors;
        }
        DMatrixRMaj whole = CommonOps_DDRM.mult(factors.up(), factors.down(), null);
        return rows <= columns
                ? new Factors(CommonOps_DDRM.identity(rows), whole)
                : new Factors(whole, CommonOps_DDRM.identity(columns));
    }

    /** @param shaped the part that has the axes of the kernel, if it is there */
    private static Shape input(LoraModule module, String shaped, int columns) {
        Shape shape = module.find(shaped).map(Tensor::shape).orElse(Shape.of());
        if (shape.rank() == 4) {
            return Shape.of(columns / (shape.size(2) * shape.size(3)), shape.size(2), shape.size(3));
        }
        return columns % TAPS == 0 && CONVOLUTION.matcher(module.layer()).matches()
                ? Shape.of(columns / TAPS, 3, 3)
                : Shape.of(columns);
    }
}
