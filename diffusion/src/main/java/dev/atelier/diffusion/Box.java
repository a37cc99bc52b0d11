package dev.atelier.diffusion;

import org.jspecify.annotations.Nullable;

/** A rectangle of pixels; right and bottom lie outside. */
record Box(int left, int top, int right, int bottom) {

    /** What encloses all of a mask that is not black, with some pixels around it; null if all is black. */
    static @Nullable Box of(Bitmap mask, int padding) {
        int left = mask.width();
        int top = mask.height();
        int right = 0;
        int bottom = 0;
        for (int y = 0; y < mask.height(); y++) {
            for (int x = 0; x < mask.width(); x++) {
                if (mask.level(0, x, y) > 0) {
                    left = Math.min(left, x);
                    top = Math.min(top, y);
                    right = Math.max(right, x + 1);
                    bottom = y + 1;
                }
            }
        }
        return right == 0
                ? null
                : new Box(
                        Math.max(left - padding, 0),
                        Math.max(top - padding, 0),
                        Math.min(right + padding, mask.width()),
                        Math.min(bottom + padding, mask.height()));
    }

    int width() {
        return right - left;
    }

    int height() {
        return bottom - top;
    }

    boolean holds(Box other) {
        return left <= other.left && top <= other.top && right >= other.right && bottom >= other.bottom;
    }

    Bitmap cutFrom(Bitmap image) {
        return image.crop(left, top, width(), height());
    }

    /** Made longer in one direction until it has the proportions of {@code target}, as far as the picture goes. */
    Box expandedTo(Size target, Size picture) {
        double ratio = (double) width() / height();
        double wanted = (double) target.width() / target.height();
        if (ratio > wanted) {
            int[] ends = expanded(top, bottom, (int) (width() / wanted - height()), picture.height());
            return new Box(left, ends[0], right, ends[1]);
        }
        int[] ends = expanded(left, right, (int) (height() * wanted - width()), picture.width());
        return new Box(ends[0], top, ends[1], bottom);
    }

    private static int[] expanded(int start, int end, int by, int limit) {
        int first = start - by / 2;
        int last = end + by - by / 2;
        if (last >= limit) {
            first -= last - limit;
            last = limit;
        }
        if (first < 0) {
            last -= first;
            first = 0;
        }
        return new int[] {first, Math.min(last, limit)};
    }
}
