package dev.atelier.diffusion;

/** The two blurs of AUTOMATIC1111's inpainting, level for level. */
final class Blur {
    private static final int BOXES = 3;
    private static final int BOX_FRACTION_BITS = 24;
    private static final int GAUSS_FRACTION_BITS = 8;

    private Blur() {}

    /**
     * OpenCV's {@code GaussianBlur} of a mask, first along rows, then along columns: 8-bit fixed-point weights whose
     * rounding errors are passed on to the next, and borders that mirror without repeating the last pixel.
     *
     * @param x standard deviation along rows; 0 leaves them
     * @param y along columns
     */
    static Bitmap gaussian(Bitmap mask, int x, int y) {
        Bitmap rows = x > 0 ? gaussian(mask, x) : mask;
        return y > 0 ? Resampling.transposed(gaussian(Resampling.transposed(rows), y)) : rows;
    }

    private static Bitmap gaussian(Bitmap image, int sigma) {
        int radius = (int) (2.5 * sigma + 0.5);
        int[] weights = gaussianWeights(sigma, radius);
        int width = image.width();
        Bitmap blurred = Bitmap.blank(image.channels(), width, image.height());
        for (int line = 0; line < image.channels() * image.height(); line++) {
            for (int x = 0; x < width; x++) {
                int sum = 1 << (GAUSS_FRACTION_BITS - 1);
                for (int i = -radius; i <= radius; i++) {
                    sum += weights[i + radius] * image.levels()[line * width + mirrored(x + i, width)];
                }
                blurred.levels()[line * width + x] = Math.min(255, sum >> GAUSS_FRACTION_BITS);
            }
        }
        return blurred;
    }

    private static int[] gaussianWeights(int sigma, int radius) {
        double[] exact = new double[radius + 1];
        double sum = 0;
        for (int i = 0; i <= radius; i++) {
            exact[i] = Math.exp(-0.5 * (i - radius) * (i - radius) / sigma / sigma);
            sum += i < radius ? 2 * exact[i] : exact[i];
        }
        int one = 1 << GAUSS_FRACTION_BITS;
        int[] weights = new int[2 * radius + 1];
        double error = 0;
        weights[radius] = one;
        for (int i = 0; i < radius; i++) {
            double weight = exact[i] / sum * one + error;
            weights[i] = (int) Math.rint(weight);
            weights[2 * radius - i] = weights[i];
            error = weight - weights[i];
            weights[radius] -= 2 * weights[i];
        }
        return weights;
    }

    /** ... 2 1 0 1 2 ... */
    private static int mirrored(int i, int size) {
        if (size == 1) {
            return 0;
        }
        int folded = Math.floorMod(i, 2 * size - 2);
        return folded < size ? folded : 2 * size - 2 - folded;
    }

    /**
     * Pillow's {@code GaussianBlur}: three box blurs with fractional edges (Gwosdek et al. 2011, "Theoretical
     * Foundations of Gaussian Convolution by Extended Box Filtering"), along rows and then along columns.
     */
    static Bitmap boxes(Bitmap image, double radius) {
        if (radius == 0) {
            return image;
        }
        double variance = radius * radius / BOXES;
        double length = Math.sqrt(12 * variance + 1);
        double whole = Math.floor((length - 1) / 2);
        double part =
                (2 * whole + 1) * (whole * (whole + 1) - 3 * variance) / (6 * (variance - (whole + 1) * (whole + 1)));
        float box = (float) (whole + part);
        Bitmap rows = image;
        for (int i = 0; i < BOXES; i++) {
            rows = box(rows, box);
        }
        Bitmap columns = Resampling.transposed(rows);
        for (int i = 0; i < BOXES; i++) {
            columns = box(columns, box);
        }
        return Resampling.transposed(columns);
    }

    private static Bitmap box(Bitmap image, float box) {
        int radius = (int) box;
        long inner = (long) ((1 << BOX_FRACTION_BITS) / (box * 2 + 1));
        long edge = ((1L << BOX_FRACTION_BITS) - (radius * 2L + 1) * inner) / 2;
        int width = image.width();
        Bitmap blurred = Bitmap.blank(image.channels(), width, image.height());
        for (int line = 0; line < image.channels() * image.height(); line++) {
            int start = line * width;
            long sum = 0;
            for (int i = -radius; i <= radius; i++) {
                sum += image.levels()[start + Math.clamp(i, 0, width - 1)];
            }
            for (int x = 0; x < width; x++) {
                long beyond = (long) image.levels()[start + Math.clamp(x - radius - 1L, 0, width - 1)]
                        + image.levels()[start + Math.clamp(x + radius + 1L, 0, width - 1)];
                blurred.levels()[start + x] =
                        (int) ((sum * inner + beyond * edge + (1L << (BOX_FRACTION_BITS - 1))) >> BOX_FRACTION_BITS);
                sum += image.levels()[start + Math.clamp(x + radius + 1L, 0, width - 1)]
                        - image.levels()[start + Math.clamp(x - radius, 0, width - 1)];
            }
        }
        return blurred;
    }
}
