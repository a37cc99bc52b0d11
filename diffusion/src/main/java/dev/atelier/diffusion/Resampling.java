package dev.atelier.diffusion;

/**
 * Ways of resizing pictures, level for level as Pillow does it: a filter that widens where the picture shrinks, first
 * along rows, then along columns, in 22-bit fixed point, and 8 bits in between.
 */
enum Resampling {
    NEAREST(0) {
        @Override
        double weight(double x) {
            throw new AssertionError("picks pixels and weighs none");
        }
    },
    BICUBIC(2) {
        @Override
        double weight(double x) {
            double a = -0.5;
            double d = Math.abs(x);
            if (d < 1) {
                return ((a + 2) * d - (a + 3)) * d * d + 1;
            }
            return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
        }
    },
    LANCZOS(3) {
        @Override
        double weight(double x) {
            return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
        }
    };

    private static final int FRACTION_BITS = 22;

    private final double support;

    Resampling(double support) {
        this.support = support;
    }

    abstract double weight(double x);

    private static double sinc(double x) {
        return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    }

    Bitmap resize(Bitmap image, int width, int height) {
        return resize(image, width, height, 0, 0, image.width(), image.height());
    }

    /** Resizes the part of the picture between four lines, which need not enclose anything. */
    Bitmap resize(Bitmap image, int width, int height, double left, double top, double right, double bottom) {
        if (this == NEAREST) {
            return nearest(image, width, height);
        }
        Bitmap rows =
                width == image.width() && left == 0 && right == width ? image : horizontally(image, width, left, right);
        return height == rows.height() && top == 0 && bottom == height
                ? rows
                : transposed(horizontally(transposed(rows), height, top, bottom));
    }

    private static Bitmap nearest(Bitmap image, int width, int height) {
        int[] columns = nearest(image.width(), width);
        int[] rows = nearest(image.height(), height);
        Bitmap resized = Bitmap.blank(image.channels(), width, height);
        for (int channel = 0; channel < image.channels(); channel++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    resized.levels()[(channel * height + y) * width + x] = image.level(channel, columns[x], rows[y]);
                }
            }
        }
        return resized;
    }

    /** Step by step, as Pillow: where a centre falls between two pixels, the rounding of the sum decides. */
    private static int[] nearest(int from, int to) {
        int[] nearest = new int[to];
        double step = (double) from / to;
        double at = step / 2;
        for (int i = 0; i < to; i++) {
            nearest[i] = (int) at;
            at += step;
        }
        return nearest;
    }

    private Bitmap horizontally(Bitmap image, int width, double left, double right) {
        double scale = (right - left) / width;
        double stretch = Math.max(scale, 1);
        int lines = image.channels() * image.height();
        Bitmap resized = Bitmap.blank(image.channels(), width, image.height());
        for (int x = 0; x < width; x++) {
            double center = left + (x + 0.5) * scale;
            int first = Math.max(0, (int) (center - support * stretch + 0.5));
            int end = Math.min(image.width(), (int) (center + support * stretch + 0.5));
            int[] weights = weights(center, first, end, stretch);
            for (int line = 0; line < lines; line++) {
                int sum = 1 << (FRACTION_BITS - 1);
                for (int i = first; i < end; i++) {
                    sum += weights[i - first] * image.levels()[line * image.width() + i];
                }
                resized.levels()[line * width + x] = Math.clamp(sum >> FRACTION_BITS, 0, 255);
            }
        }
        return resized;
    }

    private int[] weights(double center, int first, int end, double stretch) {
        double[] weights = new double[end - first];
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = weight((first + i - center + 0.5) / stretch);
            sum += weights[i];
        }
        int[] fixed = new int[weights.length];
        for (int i = 0; i < fixed.length; i++) {
            double weight = (sum == 0 ? weights[i] : weights[i] / sum) * (1 << FRACTION_BITS);
            fixed[i] = (int) (weight < 0 ? weight - 0.5 : weight + 0.5);
        }
        return fixed;
    }

    static Bitmap transposed(Bitmap image) {
        Bitmap transposed = Bitmap.blank(image.channels(), image.height(), image.width());
        for (int channel = 0; channel < image.channels(); channel++) {
            for (int y = 0; y < image.height(); y++) {
                for (int x = 0; x < image.width(); x++) {
                    transposed.levels()[(channel * image.width() + x) * image.height() + y] =
                            image.level(channel, x, y);
                }
            }
        }
        return transposed;
    }
}
