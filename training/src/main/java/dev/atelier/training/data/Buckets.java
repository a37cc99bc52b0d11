package dev.atelier.training.data;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * The sizes that pictures are trained at: pictures of about the same proportions share one, so that little of them is cut off.
 * Sizes and their choice are kohya's (sd-scripts, {@code BucketManager}), who has them from NovelAI's "Improvements on Stable
 * Diffusion".
 */
public final class Buckets {
    /**
     * A size for a picture.
     *
     * @param width what is left of the picture after it was cut
     * @param resizedWidth of the whole picture before
     */
    public record Placement(int width, int height, int resizedWidth, int resizedHeight) {}

    /** A width and a height in pixels. */
    record Side(int width, int height) {
        double ratio() {
            return (double) width / height;
        }
    }

    private final List<Side> sizes; // empty: every picture keeps its size as far as the area allows
    private final long area;
    private final int step;

    private Buckets(List<Side> sizes, long area, int step) {
        this.sizes = sizes;
        this.area = area;
        this.step = step;
    }

    /** One size for all. */
    public static Buckets single(int width, int height) {
        return new Buckets(List.of(new Side(width, height)), (long) width * height, 1);
    }

    /**
     * Sizes of at most the area of {@code width} × {@code height}.
     *
     * @param least the shortest side there may be
     * @param most the longest
     * @param step what all sides are multiples of
     * @throws IllegalArgumentException if {@code width} and {@code height} do not lie between {@code least} and {@code most}
     */
    public static Buckets of(int width, int height, int least, int most, int step) {
        if (least > Math.min(width, height) || most < Math.max(width, height)) {
            throw new IllegalArgumentException(
                    "the resolution %d × %d is not between the shortest and longest side, %d and %d"
                            .formatted(width, height, least, most));
        }
        long area = (long) width * height;
        TreeSet<Side> sizes = new TreeSet<>(Comparator.comparingInt(Side::width).thenComparingInt(Side::height));
        int square = (int) Math.sqrt((double) area) / step * step;
        sizes.add(new Side(square, square));
        for (int w = least; w <= most; w += step) {
            int h = Math.min(most, (int) (area / w) / step * step);
            if (h >= least) {
                sizes.add(new Side(w, h));
                sizes.add(new Side(h, w));
            }
        }
        return new Buckets(new ArrayList<>(sizes), area, step);
    }

    /** As {@link #of}, but no picture is enlarged: small ones keep their size, cut to multiples of {@code step}. */
    public static Buckets withoutEnlarging(int width, int height, int step) {
        return new Buckets(List.of(), (long) width * height, step);
    }

    List<Side> sizes() {
        return sizes;
    }

    /**
     * The size for a picture of {@code width} × {@code height}.
     *
     * @throws IllegalArgumentException if the picture is too small
     */
    public Placement place(int width, int height) {
        return sizes.isEmpty() ? placeWithoutEnlarging(width, height) : placeInNearest(width, height);
    }

    private Placement placeInNearest(int width, int height) {
        double ratio = (double) width / height;
        Side chosen = sizes.contains(new Side(width, height)) ? new Side(width, height) : sizes.getFirst();
        if (chosen.width() != width || chosen.height() != height) {
            for (Side size : sizes) {
                if (Math.abs(size.ratio() - ratio) < Math.abs(chosen.ratio() - ratio)) {
                    chosen = size;
                }
            }
        }
        double scale = ratio > chosen.ratio() ? (double) chosen.height() / height : (double) chosen.width() / width;
        return new Placement(
                chosen.width(), chosen.height(), (int) (width * scale + 0.5), (int) (height * scale + 0.5));
    }

    private Placement placeWithoutEnlarging(int width, int height) {
        int resizedWidth = width;
        int resizedHeight = height;
        if ((long) width * height > area) {
            double ratio = (double) width / height;
            double idealWidth = Math.sqrt(area * ratio);
            int w1 = floored(idealWidth);
            int h1 = floored(w1 / ratio);
            int h2 = floored(area / idealWidth);
            int w2 = floored(h2 * ratio);
            if (Math.abs((double) w1 / h1 - ratio) < Math.abs((double) w2 / h2 - ratio)) {
                resizedWidth = w1;
                resizedHeight = (int) (w1 / ratio + 0.5);
            } else {
                resizedWidth = (int) (h2 * ratio + 0.5);
                resizedHeight = h2;
            }
        }
        Placement placement =
                new Placement(resizedWidth / step * step, resizedHeight / step * step, resizedWidth, resizedHeight);
        if (placement.width() == 0 || placement.height() == 0) {
            throw new IllegalArgumentException(
                    "%d × %d pixels are fewer than %d on a side".formatted(width, height, step));
        }
        return placement;
    }

    private int floored(double x) {
        int rounded = (int) (x + 0.5);
        return rounded - rounded % step;
    }
}
