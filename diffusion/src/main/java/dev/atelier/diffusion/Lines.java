package dev.atelier.diffusion;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** The lines of a picture, white on black. */
final class Lines {
    // the numbers of lineart_standard in AUTOMATIC1111's ControlNet extension
    private static final double LINEART_SIGMA = 6;
    private static final double LINEART_NOISE = 8;
    private static final double LINEART_LEAST_MEDIAN = 16;
    private static final double LINEART_MEDIAN_LEVEL = 127;

    private static final double TAN_22_5 = Math.tan(Math.PI / 8);

    private Lines() {}

    /**
     * How much darker a pixel is than its blurred surroundings, in the channel where this is least; scaled so that the
     * median of what is no noise becomes half bright.
     */
    static Bitmap lineart(Bitmap picture) {
        int plane = picture.width() * picture.height();
        double[] darker = new double[plane];
        Arrays.fill(darker, Double.POSITIVE_INFINITY);
        for (int channel = 0; channel < 3; channel++) {
            double[] levels = channel(picture, channel);
            double[] blurred = blur(levels, picture.width(), picture.height(), LINEART_SIGMA, 4);
            for (int i = 0; i < plane; i++) {
                darker[i] = Math.min(darker[i], blurred[i] - levels[i]);
            }
        }
        for (int i = 0; i < plane; i++) {
            darker[i] = Math.clamp(darker[i], 0, Bitmap.WHITE);
        }
        double[] lines = Arrays.stream(darker)
                .filter(value -> value > LINEART_NOISE)
                .sorted()
                .toArray();
        double median = lines.length == 0 ? 0 : (lines[(lines.length - 1) / 2] + lines[lines.length / 2]) / 2;
        double factor = LINEART_MEDIAN_LEVEL / Math.max(LINEART_LEAST_MEDIAN, median);
        return grey(
                picture,
                Arrays.stream(darker)
                        .mapToInt(value -> (int) Math.min(value * factor, Bitmap.WHITE))
                        .toArray());
    }

    /** White where a little blurred picture is so much darker than a much blurred one. */
    static Bitmap scribble(Bitmap picture, double threshold) {
        int plane = picture.width() * picture.height();
        double[] darker = new double[plane];
        Arrays.fill(darker, Double.POSITIVE_INFINITY);
        for (int channel = 0; channel < 3; channel++) {
            double[] levels = channel(picture, channel);
            double[] little = blur(levels, picture.width(), picture.height(), 0.5, 4);
            double[] much = blur(levels, picture.width(), picture.height(), 5, 4);
            for (int i = 0; i < plane; i++) {
                darker[i] = Math.min(darker[i], much[i] - little[i]);
            }
        }
        return grey(
                picture,
                Arrays.stream(darker)
                        .mapToInt(value ->
                                2 * (255 - (int) Math.clamp(255 - value, 0, 255)) > threshold ? Bitmap.WHITE : 0)
                        .toArray());
    }

    static double[] channel(Bitmap picture, int channel) {
        return Arrays.stream(picture.channel(channel).levels()).asDoubleStream().toArray();
    }

    /**
     * As wide as OpenCV makes the kernel for a σ; the picture continues mirrored.
     *
     * @param reach of the kernel in σ: 3 for pictures of bytes, 4 for those of floats
     */
    static double[] blur(double[] levels, int width, int height, double sigma, int reach) {
        int radius = ((int) Math.rint(sigma * reach * 2 + 1) | 1) / 2;
        double[] kernel = new double[2 * radius + 1];
        double sum = 0;
        for (int i = -radius; i <= radius; i++) {
            kernel[i + radius] = Math.exp(-i * i / (2 * sigma * sigma));
            sum += kernel[i + radius];
        }
        for (int i = 0; i < kernel.length; i++) {
            kernel[i] /= sum;
        }
        double[] across = new double[levels.length];
        double[] blurred = new double[levels.length];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double value = 0;
                for (int i = -radius; i <= radius; i++) {
                    value += kernel[i + radius] * levels[y * width + mirrored(x + i, width)];
                }
                across[y * width + x] = value;
            }
        }
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double value = 0;
                for (int i = -radius; i <= radius; i++) {
                    value += kernel[i + radius] * across[mirrored(y + i, height) * width + x];
                }
                blurred[y * width + x] = value;
            }
        }
        return blurred;
    }

    /** The pixel at the edge is not repeated. */
    private static int mirrored(int position, int size) {
        if (size == 1) {
            return 0;
        }
        int period = 2 * (size - 1);
        int within = Math.floorMod(position, period);
        return within < size ? within : period - within;
    }

    /**
     * OpenCV's detector: Sobel's gradients in the channel where they are greatest, their sizes as |x| + |y|, ridges of them
     * thinner than two pixels, and of those what is above {@code high} with all that hangs together with it and is above
     * {@code low}.
     */
    static Bitmap canny(Bitmap picture, int low, int high) {
        int width = picture.width();
        int height = picture.height();
        int plane = width * height;
        int[] dx = new int[plane];
        int[] dy = new int[plane];
        int[] size = new int[plane];
        Arrays.fill(size, -1);
        for (int channel = 0; channel < 3; channel++) {
            addGradients(picture.channel(channel), dx, dy, size);
        }
        int[] edges = new int[plane];
        Deque<Integer> open = new ArrayDeque<>();
        for (int i = 0; i < plane; i++) {
            if (size[i] > high && isRidge(size, dx[i], dy[i], i % width, i / width, width, height)) {
                edges[i] = Bitmap.WHITE;
                open.push(i);
            }
        }
        while (!open.isEmpty()) {
            int i = open.pop();
            for (int y = Math.max(0, i / width - 1); y <= Math.min(height - 1, i / width + 1); y++) {
                for (int x = Math.max(0, i % width - 1); x <= Math.min(width - 1, i % width + 1); x++) {
                    int j = y * width + x;
                    if (edges[j] == 0 && size[j] > low && isRidge(size, dx[j], dy[j], x, y, width, height)) {
                        edges[j] = Bitmap.WHITE;
                        open.push(j);
                    }
                }
            }
        }
        return grey(picture, edges);
    }

    /** Sobel's gradients where they are greater than those that are there. */
    private static void addGradients(Bitmap channel, int[] dx, int[] dy, int[] size) {
        int width = channel.width();
        int height = channel.height();
        int[] grey = channel.levels();
        for (int y = 0; y < height; y++) {
            int above = Math.max(0, y - 1) * width;
            int below = Math.min(height - 1, y + 1) * width;
            for (int x = 0; x < width; x++) {
                int left = Math.max(0, x - 1);
                int right = Math.min(width - 1, x + 1);
                int i = y * width + x;
                int toRight = grey[above + right]
                        + 2 * grey[y * width + right]
                        + grey[below + right]
                        - grey[above + left]
                        - 2 * grey[y * width + left]
                        - grey[below + left];
                int down = grey[below + left]
                        + 2 * grey[below + x]
                        + grey[below + right]
                        - grey[above + left]
                        - 2 * grey[above + x]
                        - grey[above + right];
                if (Math.abs(toRight) + Math.abs(down) > size[i]) {
                    dx[i] = toRight;
                    dy[i] = down;
                    size[i] = Math.abs(toRight) + Math.abs(down);
                }
            }
        }
    }

    private static boolean isRidge(int[] size, int dx, int dy, int x, int y, int width, int height) {
        int here = size[y * width + x];
        double slope = Math.abs((double) dy);
        double run = Math.abs((double) dx);
        if (slope < TAN_22_5 * run) {
            return here > at(size, x - 1, y, width, height) && here >= at(size, x + 1, y, width, height);
        }
        if (slope > (TAN_22_5 + 2) * run) {
            return here > at(size, x, y - 1, width, height) && here >= at(size, x, y + 1, width, height);
        }
        int side = (dx ^ dy) < 0 ? -1 : 1;
        return here > at(size, x - side, y - 1, width, height) && here > at(size, x + side, y + 1, width, height);
    }

    private static int at(int[] values, int x, int y, int width, int height) {
        return x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x];
    }

    private static Bitmap grey(Bitmap like, int[] levels) {
        int[] all = new int[3 * levels.length];
        for (int channel = 0; channel < 3; channel++) {
            System.arraycopy(levels, 0, all, channel * levels.length, levels.length);
        }
        return new Bitmap(3, like.height(), like.width(), all);
    }
}
