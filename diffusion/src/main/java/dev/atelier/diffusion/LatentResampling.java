package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.function.DoubleUnaryOperator;

/** Ways of resizing latents: those of PyTorch's {@code interpolate}, with {@code align_corners} off. */
enum LatentResampling {
    BILINEAR {
        @Override
        Weights weights(int from, int to, int i) {
            double center = Math.max(0, (i + 0.5) * from / to - 0.5);
            int first = (int) center;
            return new Weights(first, new double[] {1 - (center - first), center - first});
        }
    },
    BICUBIC {
        @Override
        Weights weights(int from, int to, int i) {
            double center = (i + 0.5) * from / to - 0.5;
            int first = (int) Math.floor(center) - 1;
            double[] weights = new double[4];
            for (int k = 0; k < weights.length; k++) {
                weights[k] = cubic(first + k - center, -0.75);
            }
            return new Weights(first, weights);
        }
    },
    BILINEAR_ANTIALIASED {
        @Override
        Weights weights(int from, int to, int i) {
            return antialiased(from, to, i, 1, x -> Math.max(0, 1 - Math.abs(x)));
        }
    },
    BICUBIC_ANTIALIASED {
        @Override
        Weights weights(int from, int to, int i) {
            return antialiased(from, to, i, 2, x -> cubic(x, -0.5));
        }
    },
    NEAREST {
        @Override
        Weights weights(int from, int to, int i) {
            return new Weights((int) (i * ((float) from / to)), new double[] {1});
        }
    },
    NEAREST_EXACT {
        @Override
        Weights weights(int from, int to, int i) {
            return new Weights((int) ((i + 0.5) * ((float) from / to)), new double[] {1});
        }
    };

    /** What cells from {@code first} on contribute; beyond the edges lies the edge itself. */
    record Weights(
            int first,
            @SuppressWarnings("ArrayRecordComponent") double[] shares) {}

    /** What makes up cell {@code i} of {@code to}, out of {@code from}. */
    abstract Weights weights(int from, int to, int i);

    private static double cubic(double x, double a) {
        double d = Math.abs(x);
        if (d < 1) {
            return ((a + 2) * d - (a + 3)) * d * d + 1;
        }
        return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    }

    /** The filter widens where the latent shrinks, as Pillow's do. */
    private static Weights antialiased(int from, int to, int i, double support, DoubleUnaryOperator filter) {
        double scale = (double) from / to;
        double stretch = Math.max(scale, 1);
        double center = (i + 0.5) * scale;
        int first = Math.max(0, (int) (center - support * stretch + 0.5));
        int end = Math.min(from, (int) (center + support * stretch + 0.5));
        double[] weights = new double[end - first];
        double sum = 0;
        for (int k = 0; k < weights.length; k++) {
            weights[k] = filter.applyAsDouble((first + k - center + 0.5) / stretch);
            sum += weights[k];
        }
        for (int k = 0; k < weights.length; k++) {
            weights[k] /= sum;
        }
        return new Weights(first, weights);
    }

    /** {@code [n, channels, h, w]} with another height and width. */
    FloatArray resize(FloatArray latents, int height, int width) {
        int planes = latents.size(0) * latents.size(1);
        int oldHeight = latents.size(2);
        int oldWidth = latents.size(3);
        double[] rows = new double[planes * oldHeight * width];
        for (int x = 0; x < width; x++) {
            Weights weights = weights(oldWidth, width, x);
            for (int line = 0; line < planes * oldHeight; line++) {
                double sum = 0;
                for (int k = 0; k < weights.shares.length; k++) {
                    int i = Math.clamp(weights.first + k, 0, oldWidth - 1);
                    sum += weights.shares[k] * latents.values()[line * oldWidth + i];
                }
                rows[line * width + x] = sum;
            }
        }
        float[] values = new float[planes * height * width];
        for (int y = 0; y < height; y++) {
            Weights weights = weights(oldHeight, height, y);
            for (int plane = 0; plane < planes; plane++) {
                for (int x = 0; x < width; x++) {
                    double sum = 0;
                    for (int k = 0; k < weights.shares.length; k++) {
                        int i = Math.clamp(weights.first + k, 0, oldHeight - 1);
                        sum += weights.shares[k] * rows[(plane * oldHeight + i) * width + x];
                    }
                    values[(plane * height + y) * width + x] = (float) sum;
                }
            }
        }
        return FloatArray.of(values, latents.size(0), latents.size(1), height, width);
    }
}
