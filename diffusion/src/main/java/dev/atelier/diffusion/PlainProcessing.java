package dev.atelier.diffusion;

import java.util.function.IntToDoubleFunction;

/** What can be made of a picture for a ControlNet besides {@link Lines}. */
final class PlainProcessing {
    private static final int SQUARE = 64;

    // the sharpness of OpenCV's bicubic interpolation
    private static final double CUBIC = -0.75;

    private PlainProcessing() {}

    static Bitmap bright(Bitmap picture, double threshold) {
        int plane = picture.width() * picture.height();
        int[] levels = picture.levels();
        return grey(
                picture,
                i -> Math.min(levels[i], Math.min(levels[plane + i], levels[2 * plane + i])) > threshold
                        ? Bitmap.WHITE
                        : 0);
    }

    /** Smaller by the means of the pixels that each new one covers, then as large as before. */
    static Bitmap coarser(Bitmap picture, double factor) {
        if (factor < 1.1) {
            return picture;
        }
        int width = Math.max(1, (int) (picture.width() / factor));
        int height = Math.max(1, (int) (picture.height() / factor));
        return Resampling.LANCZOS.resize(smaller(picture, width, height), picture.width(), picture.height());
    }

    static Bitmap smaller(Bitmap picture, int width, int height) {
        double[] columns = new double[3 * picture.height() * width];
        for (int row = 0; row < 3 * picture.height(); row++) {
            int first = row * picture.width();
            mean(i -> picture.levels()[first + i], picture.width(), columns, row * width, 1, width);
        }
        double[] means = new double[3 * height * width];
        for (int channel = 0; channel < 3; channel++) {
            for (int x = 0; x < width; x++) {
                int first = channel * picture.height() * width + x;
                mean(
                        i -> columns[first + i * width],
                        picture.height(),
                        means,
                        channel * height * width + x,
                        width,
                        height);
            }
        }
        int[] levels = new int[means.length];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = (int) Math.rint(means[i]);
        }
        return new Bitmap(3, height, width, levels);
    }

    /** Of so many values {@code count} means, each over an equal part of them. */
    private static void mean(IntToDoubleFunction values, int length, double[] means, int first, int stride, int count) {
        double part = (double) length / count;
        for (int i = 0; i < count; i++) {
            double from = i * part;
            double to = Math.min(from + part, length);
            double sum = 0;
            for (int j = (int) from; j < to; j++) {
                sum += values.applyAsDouble(j) * (Math.min(to, j + 1) - Math.max(from, j));
            }
            means[first + i * stride] = sum / (to - from);
        }
    }

    static Bitmap blurred(Bitmap picture, double sigma) {
        int plane = picture.width() * picture.height();
        int[] levels = new int[3 * plane];
        for (int channel = 0; channel < 3; channel++) {
            double[] blurred = Lines.blur(Lines.channel(picture, channel), picture.width(), picture.height(), sigma, 3);
            for (int i = 0; i < plane; i++) {
                levels[channel * plane + i] = (int) Math.rint(blurred[i]);
            }
        }
        return new Bitmap(3, picture.height(), picture.width(), levels);
    }

    /** As AUTOMATIC1111's extension takes it: red counts as blue, and blue as red. */
    static Bitmap luminance(Bitmap picture, double power) {
        int plane = picture.width() * picture.height();
        int[] levels = picture.levels();
        return grey(picture, i -> {
            double y = 0.072169 * linear(levels[i])
                    + 0.715160 * linear(levels[plane + i])
                    + 0.212671 * linear(levels[2 * plane + i]);
            double lightness = y > 216.0 / 24389 ? 1.16 * Math.cbrt(y) - 0.16 : 24389.0 / 2700 * y;
            return (int) (Math.pow(Math.rint(lightness * 255) / 255, power) * 255);
        });
    }

    private static double linear(int level) {
        double share = level / 255.0;
        return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
    }

    static Bitmap intensity(Bitmap picture, double power) {
        int plane = picture.width() * picture.height();
        int[] levels = picture.levels();
        return grey(picture, i -> {
            int most = Math.max(levels[i], Math.max(levels[plane + i], levels[2 * plane + i]));
            return (int) (Math.pow(most / 255f, power) * 255);
        });
    }

    private static Bitmap grey(Bitmap picture, IntToDoubleFunction level) {
        int plane = picture.width() * picture.height();
        int[] levels = new int[3 * plane];
        for (int i = 0; i < plane; i++) {
            int value = (int) Math.clamp(level.applyAsDouble(i), 0, 255);
            for (int channel = 0; channel < 3; channel++) {
                levels[channel * plane + i] = value;
            }
        }
        return new Bitmap(3, picture.height(), picture.width(), levels);
    }

    /** The colours in the middles of squares, between which nothing is smooth. */
    static Bitmap squares(Bitmap picture) {
        int columns = Math.max(1, picture.width() / SQUARE);
        int rows = Math.max(1, picture.height() / SQUARE);
        int[] levels = new int[3 * picture.width() * picture.height()];
        for (int channel = 0; channel < 3; channel++) {
            for (int y = 0; y < picture.height(); y++) {
                for (int x = 0; x < picture.width(); x++) {
                    int column = x * columns / picture.width();
                    int row = y * rows / picture.height();
                    levels[(channel * picture.height() + y) * picture.width() + x] =
                            y > 0 && row == (y - 1) * rows / picture.height()
                                    ? levels[(channel * picture.height() + y - 1) * picture.width() + x]
                                    : middle(picture, channel, column, columns, row, rows);
                }
            }
        }
        return new Bitmap(3, picture.height(), picture.width(), levels);
    }

    private static int middle(Bitmap picture, int channel, int column, int columns, int row, int rows) {
        double x = (column + 0.5) * picture.width() / columns - 0.5;
        double y = (row + 0.5) * picture.height() / rows - 0.5;
        double sum = 0;
        for (int dy = -1; dy <= 2; dy++) {
            for (int dx = -1; dx <= 2; dx++) {
                int px = (int) Math.floor(x) + dx;
                int py = (int) Math.floor(y) + dy;
                sum += cubic(x - px)
                        * cubic(y - py)
                        * picture.level(
                                channel,
                                Math.clamp(px, 0, picture.width() - 1),
                                Math.clamp(py, 0, picture.height() - 1));
            }
        }
        return (int) Math.clamp(Math.rint(sum), 0, 255);
    }

    private static double cubic(double distance) {
        double d = Math.abs(distance);
        return d <= 1
                ? ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1
                : ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC;
    }
}
