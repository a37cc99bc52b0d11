package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.FloatArray;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A 3 × 3 convolution in fewer multiplications: Winograd's F(m × n, 3 × 3) of Lavin and Gray 2016, "Fast Algorithms for
 * Convolutional Neural Networks". From every tile of m × n pixels and their neighbours, (m + 2) × (n + 2) in all, as many
 * numbers are computed; these are multiplied with the kernel's and summed over the channels; from the sums come the
 * tile's new pixels.
 */
final class Winograd {
    /** A quarter of the multiplications, with four times the weights. */
    static final Winograd FOUR_BY_FOUR = new Winograd(Direction.FOUR, Direction.FOUR, WeightForm.WINOGRAD);

    /** A third of the multiplications, with 2⅔ times the weights. */
    static final Winograd FOUR_BY_TWO = new Winograd(Direction.FOUR, Direction.TWO, WeightForm.WINOGRAD_NARROW);

    private static final int KERNEL = 3;

    /** The paper's Bᵀ, G and Aᵀ: how the pixels, the kernel and the sums of a row or column are combined. */
    private static final class Direction {
        private static final Direction TWO = new Direction(
                new float[][] {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
                new float[][] {{1, 0, 0}, {1 / 2f, 1 / 2f, 1 / 2f}, {1 / 2f, -1 / 2f, 1 / 2f}, {0, 0, 1}},
                new float[][] {{1, 1, 1, 0}, {0, 1, -1, -1}});
        private static final Direction FOUR = new Direction(
                new float[][] {
                    {4, 0, -5, 0, 1, 0},
                    {0, -4, -4, 1, 1, 0},
                    {0, 4, -4, -1, 1, 0},
                    {0, -2, -1, 2, 1, 0},
                    {0, 2, -1, -2, 1, 0},
                    {0, 4, 0, -5, 0, 1}
                },
                new float[][] {
                    {1 / 4f, 0, 0},
                    {-1 / 6f, -1 / 6f, -1 / 6f},
                    {-1 / 6f, 1 / 6f, -1 / 6f},
                    {1 / 24f, 1 / 12f, 1 / 6f},
                    {1 / 24f, -1 / 12f, 1 / 6f},
                    {0, 0, 1}
                },
                new float[][] {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}});

        private final float[][] tileToPoints;
        private final float[][] kernelToPoints;
        private final float[][] pointsToPixels;

        private Direction(float[][] tileToPoints, float[][] kernelToPoints, float[][] pointsToPixels) {
            this.tileToPoints = tileToPoints;
            this.kernelToPoints = kernelToPoints;
            this.pointsToPixels = pointsToPixels;
        }

        private int points() {
            return tileToPoints.length;
        }

        private int pixels() {
            return pointsToPixels.length;
        }
    }

    private final Direction down;
    private final Direction across;
    private final WeightForm form;

    private Winograd(Direction down, Direction across, WeightForm form) {
        this.down = down;
        this.across = across;
        this.form = form;
    }

    /** Which takes weights in this form, if any. */
    static Optional<Winograd> of(WeightForm form) {
        return Stream.of(FOUR_BY_FOUR, FOUR_BY_TWO)
                .filter(winograd -> winograd.form == form)
                .findFirst();
    }

    /** How it takes weights. */
    WeightForm form() {
        return form;
    }

    /** Of a convolution's weight {@code [out, in, 3, 3]} in that form. */
    Shape shape(Shape stored) {
        return Shape.of(1, points(), stored.size(0), stored.size(1));
    }

    /** A tile's pixels from top to bottom. */
    int height() {
        return down.pixels();
    }

    /** A tile's pixels from left to right. */
    int width() {
        return across.pixels();
    }

    /** Numbers that a tile becomes. */
    int points() {
        return down.points() * across.points();
    }

    /** {@code [points, 1, height + 2, width + 2]}: a convolution's kernels, which make points of pixels. */
    FloatArray pixels() {
        return FloatArray.of(
                product(down.tileToPoints, across.tileToPoints), points(), 1, down.points(), across.points());
    }

    /** {@code [height · width, points]}: makes a tile's new pixels of sums. */
    FloatArray results() {
        return FloatArray.of(product(down.pointsToPixels, across.pointsToPixels), height() * width(), points());
    }

    private static final int TAPS = KERNEL * KERNEL;
    private static final int BLOCK = 640; // input channels at a time

    /** The Kronecker product: a matrix applied to the columns, and another to the rows. */
    private static float[] product(float[][] down, float[][] across) {
        int columns = down[0].length * across[0].length;
        float[] product = new float[down.length * across.length * columns];
        for (int i = 0; i < product.length; i++) {
            int row = i / columns;
            int column = i % columns;
            product[i] = down[row / across.length][column / across[0].length]
                    * across[row % across.length][column % across[0].length];
        }
        return product;
    }

    /** Writes a convolution's {@code weight [out, in, 3, 3]} as {@code [1, points, out, in]}. */
    void write(Tensor weight, MemorySegment target) {
        Shape shape = weight.shape();
        long outputs = shape.size(0);
        long inputs = shape.size(1);
        float[] stored = new float[BLOCK * TAPS];
        float[][] taps = new float[TAPS][BLOCK]; // row by row
        float[][] halfway = new float[down.points() * KERNEL][BLOCK]; // with the matrix applied to the columns alone
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
                    float[] factors = down.kernelToPoints[i / KERNEL];
                    combine(factors, taps[column], taps[KERNEL + column], taps[2 * KERNEL + column], halfway[i], count);
                }
                for (int p = 0; p < points(); p++) {
                    int row = p / across.points() * KERNEL;
                    float[] factors = across.kernelToPoints[p % across.points()];
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
