package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Map;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.jspecify.annotations.Nullable;

/**
 * A weight whose output channels are turned among themselves, a block of them at a time: OFT (Qiu et al. 2023), and BOFT (Liu et
 * al. 2024), which does so several times and shuffles the channels before. From kohya's {@code networks/oft.py}, LyCORIS and AUTOMATIC1111.
 */
final class Orthogonal {
    /** Keeps the quotient defined where nothing has been learnt. */
    private static final double EPSILON = 1e-8;

    /** One block after the other, each of them b × b; of OFT there is one stage. */
    private final DMatrixRMaj[][] stages;

    private final boolean butterfly;

    /** What each output channel is multiplied by; null for 1. */
    private final double @Nullable [] rescale;

    private Orthogonal(DMatrixRMaj[][] stages, boolean butterfly, double @Nullable [] rescale) {
        this.stages = stages;
        this.butterfly = butterfly;
        this.rescale = rescale;
    }

    /** @throws IllegalArgumentException if the tensors do not fit the weight */
    static Delta of(Map<String, Tensor> parts, Shape weight, int rows) {
        boolean ready = parts.containsKey("oft_diag");
        Tensor blocks = Delta.required(parts, ready ? "oft_diag" : "oft_blocks");
        Shape shape = blocks.shape();
        boolean butterfly = shape.rank() == 4;
        if (shape.rank() < 3 || shape.rank() > 4 || shape.elements() == 0) {
            throw new IllegalArgumentException("oft_blocks is " + shape);
        }
        int size = Math.toIntExact(shape.size(shape.rank() - 1));
        long count = shape.size(shape.rank() - 3);
        long stages = butterfly ? shape.size(0) : 1;
        boolean even = !butterfly || (size % 2 == 0 && stages < Integer.SIZE && rows % (size << (stages - 1)) == 0);
        if (shape.size(shape.rank() - 2) != size || count * size != rows || !even) {
            throw new IllegalArgumentException("oft_blocks is " + shape);
        }
        Tensor rescale = parts.get("rescale");
        if (rescale != null && rescale.shape().elements() != rows) {
            throw new IllegalArgumentException("rescale is " + rescale.shape());
        }
        // what is called alpha is how far a weight may turn, and 0 is as far as it likes
        double most = parts.containsKey("alpha") ? Delta.scalar("alpha", Delta.required(parts, "alpha")) * rows : 0;
        int columns = Math.toIntExact(weight.elements() / rows);
        return original -> {
            double[] learnt = Delta.load(blocks);
            DMatrixRMaj[][] turns = new DMatrixRMaj[(int) stages][(int) count];
            double scale = ready || most == 0 ? 1 : limited(learnt, size, most);
            for (int i = 0; i < stages * count; i++) {
                DMatrixRMaj block = new DMatrixRMaj(size, size);
                System.arraycopy(learnt, i * size * size, block.data, 0, size * size);
                turns[i / (int) count][i % (int) count] = ready ? block : rotation(block, scale);
            }
            Orthogonal turn = new Orthogonal(turns, butterfly, rescale == null ? null : Delta.load(rescale));
            return turn.change(original, columns);
        };
    }

    /** By what blocks are multiplied so that their antisymmetric parts together are no longer than {@code most}. */
    private static double limited(double[] blocks, int size, double most) {
        double squares = 0;
        for (int i = 0; i < blocks.length; i++) {
            int start = i / (size * size) * size * size;
            int row = (i - start) / size;
            int column = (i - start) % size;
            double difference = blocks[i] - blocks[start + column * size + row];
            squares += difference * difference;
        }
        double norm = Math.sqrt(squares);
        return (Math.min(norm, most) + EPSILON) / (norm + EPSILON);
    }

    /** Cayley's: (I + Q)(I − Q)⁻¹, where Q is what the block is not symmetric in. */
    private static DMatrixRMaj rotation(DMatrixRMaj block, double scale) {
        DMatrixRMaj q = CommonOps_DDRM.transpose(block, null);
        CommonOps_DDRM.subtract(block, q, q);
        CommonOps_DDRM.scale(scale, q);
        DMatrixRMaj identity = CommonOps_DDRM.identity(block.numRows);
        DMatrixRMaj inverse = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.subtract(identity, q, inverse);
        if (!CommonOps_DDRM.invert(inverse)) {
            throw new ArithmeticException("a rotation is not defined; does it hold NaN?");
        }
        CommonOps_DDRM.addEquals(q, identity);
        CommonOps_DDRM.mult(q, inverse, block);
        return block;
    }

    private double[] change(double[] original, int columns) {
        double[] turned = original.clone();
        for (int stage = 0; stage < stages.length; stage++) {
            for (int block = 0; block < stages[stage].length; block++) {
                turn(turned, columns, stage, block);
            }
        }
        for (int i = 0; i < turned.length; i++) {
            turned[i] = (rescale == null ? turned[i] : rescale[i / columns] * turned[i]) - original[i];
        }
        return turned;
    }

    /** The rows of one block, wherever they are. OFT multiplies them by the transposed matrix, BOFT by the matrix. */
    private void turn(double[] rows, int columns, int stage, int block) {
        DMatrixRMaj matrix = stages[stage][block];
        int size = matrix.numRows;
        DMatrixRMaj before = new DMatrixRMaj(size, columns);
        DMatrixRMaj after = new DMatrixRMaj(size, columns);
        for (int i = 0; i < size; i++) {
            System.arraycopy(rows, row(stage, block * size + i, size) * columns, before.data, i * columns, columns);
        }
        if (butterfly) {
            CommonOps_DDRM.mult(matrix, before, after);
        } else {
            CommonOps_DDRM.multTransA(matrix, before, after);
        }
        for (int i = 0; i < size; i++) {
            System.arraycopy(after.data, i * columns, rows, row(stage, block * size + i, size) * columns, columns);
        }
    }

    /** Of BOFT: at a stage, rows {@code 2^stage · size/2} apart become neighbours. */
    private int row(int stage, int place, int size) {
        if (!butterfly) {
            return place;
        }
        int apart = (size / 2) << stage;
        return place / (2 * apart) * 2 * apart + place % 2 * apart + place % (2 * apart) / 2;
    }
}
