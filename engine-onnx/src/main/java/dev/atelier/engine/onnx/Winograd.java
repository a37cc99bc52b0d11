package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.FloatArray;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A 3 × 3 convolution in a quarter of the multiplications: Winograd's F(4 × 4, 3 × 3) of Lavin and Gray 2016, "Fast
 * Algorithms for Convolutional Neural Networks". From every tile of 4 × 4 pixels and their neighbours, 6 × 6 in all, 36
 * numbers are computed; these are multiplied with the kernel's 36 numbers and summed over the channels; from the sums come
 * the tile's new pixels.
 */
final class Winograd {
    /** Pixels along a side of a tile. */
    static final int TILE = 4;

    private static final int KERNEL = 3;
    private static final int SIDE = TILE + KERNEL - 1;

    /** Numbers that a tile becomes. */
    static final int POINTS = SIDE * SIDE;

    // the paper's Bᵀ, G and Aᵀ
    private static final float[][] TILE_TO_POINTS = {
        {4, 0, -5, 0, 1, 0},
        {0, -4, -4, 1, 1, 0},
        {0, 4, -4, -1, 1, 0},
        {0, -2, -1, 2, 1, 0},
        {0, 2, -1, -2, 1, 0},
        {0, 4, 0, -5, 0, 1}
    };
    private static final float[][] KERNEL_TO_POINTS = {
        {1 / 4f, 0, 0},
        {-1 / 6f, -1 / 6f, -1 / 6f},
        {-1 / 6f, 1 / 6f, -1 / 6f},
        {1 / 24f, 1 / 12f, 1 / 6f},
        {1 / 24f, -1 / 12f, 1 / 6f},
        {0, 0, 1}
    };
    private static final float[][] POINTS_TO_PIXELS = {
        {1, 1, 1, 1, 1, 0},
        {0, 1, -1, 2, -2, 0},
        {0, 1, 1, 4, 4, 0},
        {0, 1, -1, 8, -8, 1}
    };

    /** {@code [points, 1, 6, 6]}: a convolution's kernels, which make points of pixels. */
    static final FloatArray PIXELS = FloatArray.of(inBothDirections(TILE_TO_POINTS), POINTS, 1, SIDE, SIDE);

    /** {@code [16, points]}: makes a tile's new pixels of sums. */
    static final FloatArray RESULTS = FloatArray.of(inBothDirections(POINTS_TO_PIXELS), TILE * TILE, POINTS);

    private static final int TAPS = KERNEL * KERNEL;
    private static final int BLOCK = 640; // input channels at a time

    private Winograd() {}

    /** The Kronecker product of a matrix with itself: the matrix applied to the rows and to the columns. */
    private static float[] inBothDirections(float[][] matrix) {
        int rows = matrix.length;
        int columns = matrix[0].length;
        float[] product = new float[rows * rows * columns * columns];
        for (int i = 0; i < product.length; i++) {
            int row = i / (columns * columns);
            int column = i % (columns * columns);
            product[i] = matrix[row / rows][column / columns] * matrix[row % rows][column % columns];
        }
        return product;
    }

    /** Writes a convolution's {@code weight [out, in, 3, 3]} as {@code [points, out, in]}. */
    static void write(Tensor weight, MemorySegment target) {
        Shape shape = weight.shape();
        long outputs = shape.size(0);
        long inputs = shape.size(1);
        float[] stored = new float[BLOCK * TAPS];
        float[][] taps = new float[TAPS][BLOCK]; // row by row
        float[][] halfway = new float[SIDE * KERNEL][BLOCK]; // with the matrix applied to the columns alone
        float[] point = new float[BLOCK];
        for (long output = 0; output < outputs; output++) {
            for (long input = 0; input < inputs; input += BLOCK) {
                int count = (int) Math.min(BLOCK, inputs - input);
                weight.read((output * inputs + input) * TAPS, stored, count * TAPS);
                for (int i = 0; i < count; i++) {
                    for (int tap = 0; tap < TAPS; tap++) {
                        taps[tap][i] = stored[i * TAPS + tap];
                    }
                }
                for (int i = 0; i < halfway.length; i++) {
                    int column = i % KERNEL;
                    float[] factors = KERNEL_TO_POINTS[i / KERNEL];
                    combine(factors, taps[column], taps[KERNEL + column], taps[2 * KERNEL + column], halfway[i], count);
                }
                for (int p = 0; p < POINTS; p++) {
                    int row = p / SIDE * KERNEL;
                    float[] factors = KERNEL_TO_POINTS[p % SIDE];
                    combine(factors, halfway[row], halfway[row + 1], halfway[row + 2], point, count);
                    MemorySegment.copy(
                            point,
                            0,
                            target,
                            ValueLayout.JAVA_FLOAT_UNALIGNED,
                            ((p * outputs + output) * inputs + input) * Float.BYTES,
                            count);
                }
            }
        }
    }

    /** The sum of three rows, each times its factor; the compiler makes vector instructions of the loop. */
    private static void combine(float[] factors, float[] a, float[] b, float[] c, float[] sum, int count) {
        float ka = factors[0];
        float kb = factors[1];
        float kc = factors[2];
        for (int i = 0; i < count; i++) {
            sum[i] = ka * a[i] + kb * b[i] + kc * c[i];
        }
    }
}
