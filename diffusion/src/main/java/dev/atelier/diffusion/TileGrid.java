package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.List;

/**
 * A picture in tiles of one size that overlap, as AUTOMATIC1111 cuts it and lays it together again: spread evenly, row by
 * row, each fading in over the end of the one before. What a picture lacks for a tile is black, at its left and above it.
 */
record TileGrid(Size picture, Size tile, int overlap) {

    private static int[] starts(int length, int tile, int overlap) {
        int count = Math.max(1, Math.ceilDiv(length - overlap, tile - overlap));
        double step = count > 1 ? (double) (length - tile) / (count - 1) : 0;
        int[] starts = new int[count];
        for (int i = 0; i < count; i++) {
            int start = (int) (i * step);
            starts[i] = start + tile >= length ? length - tile : start;
        }
        return starts;
    }

    private int[] lefts() {
        return starts(picture.width(), tile.width(), overlap);
    }

    private int[] tops() {
        return starts(picture.height(), tile.height(), overlap);
    }

    int count() {
        return lefts().length * tops().length;
    }

    /** Where each tile lies, in their order. */
    List<Box> places() {
        return Arrays.stream(tops())
                .boxed()
                .flatMap(top -> Arrays.stream(lefts())
                        .mapToObj(left -> new Box(left, top, left + tile.width(), top + tile.height())))
                .toList();
    }

    List<Bitmap> cut(Bitmap image) {
        return Arrays.stream(tops())
                .boxed()
                .flatMap(top ->
                        Arrays.stream(lefts()).mapToObj(left -> image.crop(left, top, tile.width(), tile.height())))
                .toList();
    }

    /** For tiles that have become {@code scale} times as large. */
    Canvas canvas(int scale) {
        return new Canvas(scale);
    }

    /** Takes the tiles in their order. */
    final class Canvas {
        private final int scale;
        private final int[] lefts = lefts();
        private final int[] tops = tops();
        private final Bitmap whole;
        private Bitmap row;
        private int next;

        private Canvas(int scale) {
            this.scale = scale;
            this.whole = Bitmap.blank(3, picture.width() * scale, picture.height() * scale);
            this.row = whole;
        }

        void add(Bitmap part) {
            int column = next % lefts.length;
            int line = next / lefts.length;
            if (column == 0) {
                row = Bitmap.blank(3, whole.width(), part.height());
            }
            lay(part, row, lefts[column] * scale, 0, column == 0 ? 0 : overlap * scale, 0);
            if (column == lefts.length - 1) {
                lay(row, whole, 0, tops[line] * scale, 0, line == 0 ? 0 : overlap * scale);
            }
            next++;
        }

        Bitmap picture() {
            return whole;
        }
    }

    /** Lays a part into a picture; its first columns or rows fade in. */
    private static void lay(Bitmap part, Bitmap whole, int left, int top, int columns, int rows) {
        for (int channel = 0; channel < 3; channel++) {
            for (int y = Math.max(0, -top); y < Math.min(part.height(), whole.height() - top); y++) {
                for (int x = Math.max(0, -left); x < Math.min(part.width(), whole.width() - left); x++) {
                    int place = (channel * whole.height() + top + y) * whole.width() + left + x;
                    int share = x < columns ? 255 * x / columns : y < rows ? 255 * y / rows : 255;
                    whole.levels()[place] = Compositing.mix(whole.levels()[place], part.level(channel, x, y), share);
                }
            }
        }
    }
}
