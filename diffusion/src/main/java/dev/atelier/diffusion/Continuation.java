package dev.atelier.diffusion;

import dev.atelier.diffusion.Outpainting.Method;
import dev.atelier.diffusion.Outpainting.Side;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;

/** A picture that goes on beyond its edges, see {@link Outpainting}. */
final class Continuation {
    private static final int UNIT = GenerationRequest.SIZE_UNIT;

    private final GenerationRequest request;
    private final Outpainting how;
    private final GenerationListener listener;
    private final BiFunction<GenerationRequest, GenerationListener, List<GeneratedImage>> draw;

    /** @param draw draws a part of it */
    Continuation(
            GenerationRequest request,
            Outpainting how,
            GenerationListener listener,
            BiFunction<GenerationRequest, GenerationListener, List<GeneratedImage>> draw) {
        this.request = request;
        this.how = how;
        this.listener = listener;
        this.draw = draw;
    }

    List<GeneratedImage> run() {
        ImageToImage from = request.imageToImage();
        if (from == null || from.inpainting() != null) {
            throw new IllegalArgumentException("outpainting takes a picture to start from, and no mask");
        }
        Bitmap given = Source.onWhite(Bitmap.rgba(from.images().getFirst()));
        return how.method() == Method.MK2 ? sideBySide(given, from) : inTiles(given, from);
    }

    private GenerationRequest part(
            ImageToImage from, List<Bitmap> pictures, Inpainting inpainting, Size size, long seed) {
        List<BufferedImage> images = pictures.stream().map(Bitmap::toImage).toList();
        return request.outpainting(null)
                .size(size.width(), size.height())
                .batchSize(images.size())
                .iterations(1)
                .seed(seed)
                .imageToImage(
                        from.images(images).resizeMode(ResizeMode.JUST_RESIZE).inpainting(inpainting));
    }

    private static Inpainting inpainting(Bitmap mask, Bitmap latentMask, MaskedContent content) {
        return Inpainting.of(mask.toImage()).content(content).latentMask(latentMask.toImage());
    }

    /** White but for a rectangle, whose last column and row belong to it. */
    private static Bitmap frame(Size size, int left, int top, int right, int bottom) {
        Bitmap frame = Bitmap.blank(3, size.width(), size.height()).inverted();
        int width = Math.max(0, Math.min(right + 1, size.width()) - left);
        int height = Math.max(0, Math.min(bottom + 1, size.height()) - top);
        return frame.paste(Bitmap.blank(3, width, height), left, top);
    }

    private List<GeneratedImage> sideBySide(Bitmap given, ImageToImage from) {
        List<Side> sides =
                List.of(Side.values()).stream().filter(how.sides()::contains).toList();
        Parts parts = new Parts(listener, sides.size() * request.iterations());
        List<GeneratedImage> all = new ArrayList<>();
        for (int i = 0; i < request.iterations() && !parts.isStopped(); i++) {
            long seed = request.seed() + (long) i * request.batchSize();
            List<Bitmap> pictures = Collections.nCopies(request.batchSize(), given);
            List<GeneratedImage> first = List.of();
            for (Side side : sides) {
                if (!parts.isStopped()) {
                    Edge edge = new Edge(side, how.added(side, given.size()), pictures.getFirst());
                    List<Bitmap> continued =
                            pictures.stream().map(edge::continued).toList();
                    List<Bitmap> shown = continued.stream().map(edge::shown).toList();
                    List<GeneratedImage> drawn =
                            draw.apply(part(from, shown, edge.inpainting(), edge.part, seed), parts.next());
                    pictures = edge.finished(continued, drawn);
                    first = first.isEmpty() ? drawn : first;
                }
            }
            for (int n = 0; n < pictures.size(); n++) {
                all.add(new GeneratedImage(
                        pictures.get(n).toImage(), seed + n, first.get(n).infotext()));
            }
        }
        return all;
    }

    /** A side of pictures of the same size, on which they become longer. */
    private final class Edge {
        private final Side side;
        private final int added;
        private final Size whole; // of the longer picture
        private final Size canvas; // the same in multiples of 64
        private final Size part; // what is drawn of it at once
        private final int blurX = how.sides().stream().anyMatch(Side::isHorizontal) ? how.blur() : 0;
        private final int blurY = how.sides().stream().allMatch(Side::isHorizontal) ? 0 : how.blur();

        Edge(Side side, int added, Bitmap picture) {
            this.side = side;
            this.added = added;
            boolean isHorizontal = side.isHorizontal();
            this.whole = new Size(
                    picture.width() + (isHorizontal ? added : 0), picture.height() + (isHorizontal ? 0 : added));
            this.canvas = new Size(Math.ceilDiv(whole.width(), 64) * 64, Math.ceilDiv(whole.height(), 64) * 64);
            this.part = isHorizontal
                    ? new Size(drawn(request.width(), whole.width()), canvas.height())
                    : new Size(canvas.width(), drawn(request.height(), whole.height()));
        }

        /** In whole latent cells, where AUTOMATIC1111 trusts in the picture's size. */
        private static int drawn(int asked, int length) {
            return Math.max(64, Math.ceilDiv(Math.min(asked, length), UNIT) * UNIT);
        }

        private int left(int width) {
            return side == Side.LEFT ? 0 : canvas.width() - width;
        }

        private int top(int height) {
            return side == Side.UP ? 0 : canvas.height() - height;
        }

        /** The mask of a picture of this size, or that of its latents, whose edge lies twice as far inside. */
        private Bitmap mask(Size size, int blurs) {
            return frame(
                    size,
                    side == Side.LEFT ? added + blurs * blurX : 0,
                    side == Side.UP ? added + blurs * blurY : 0,
                    side == Side.RIGHT ? size.width() - added - blurs * blurX : whole.width(),
                    side == Side.DOWN ? size.height() - added - blurs * blurY : whole.height());
        }

        /** With noise where it goes on. */
        Bitmap continued(Bitmap picture) {
            Bitmap longer = Bitmap.blank(3, canvas.width(), canvas.height())
                    .paste(picture, side == Side.LEFT ? added : 0, side == Side.UP ? added : 0);
            return MatchedNoise.of(longer, mask(canvas, 1).channel(0), how.falloff(), how.colorVariation());
        }

        Bitmap shown(Bitmap continued) {
            return continued.crop(left(part.width()), top(part.height()), part.width(), part.height());
        }

        Inpainting inpainting() {
            return Continuation.inpainting(shown(mask(canvas, 1)), mask(part, 2), MaskedContent.ORIGINAL)
                    .blur(4 * blurX, 4 * blurY);
        }

        List<Bitmap> finished(List<Bitmap> continued, List<GeneratedImage> drawn) {
            List<Bitmap> finished = new ArrayList<>();
            for (int n = 0; n < drawn.size(); n++) {
                Bitmap picture = Bitmap.rgba(drawn.get(n).pixels()).rgb();
                finished.add(continued
                        .get(n)
                        .paste(picture, left(picture.width()), top(picture.height()))
                        .crop(0, 0, whole.width(), whole.height()));
            }
            return finished;
        }
    }

    private List<GeneratedImage> inTiles(Bitmap given, ImageToImage from) {
        int left = how.added(Side.LEFT, given.size());
        int right = how.added(Side.RIGHT, given.size());
        int up = how.added(Side.UP, given.size());
        int down = how.added(Side.DOWN, given.size());
        Size size = new Size(given.width() + left + right, given.height() + up + down);
        Size tile = new Size(request.width(), request.height());
        if (how.pixels() >= Math.min(tile.width(), tile.height())) {
            throw new IllegalArgumentException("outpainting takes tiles larger than the pixels that it adds");
        }
        TileGrid grid = new TileGrid(size, tile, how.pixels());
        List<Bitmap> pictures =
                grid.cut(Bitmap.blank(3, size.width(), size.height()).paste(given, left, up));
        List<Bitmap> masks = grid.cut(inside(size, left, up, right, down, 2 * how.blur()));
        List<Bitmap> latentMasks = grid.cut(inside(size, left, up, right, down, how.blur() / 2));
        Box old = new Box(left, up, size.width() - right, size.height() - down);
        int count =
                (int) grid.places().stream().filter(place -> !old.holds(place)).count();
        Parts parts = new Parts(listener, count);
        TileGrid.Canvas canvas = grid.canvas(1);
        List<GeneratedImage> drawn = new ArrayList<>();
        for (int t = 0; t < pictures.size(); t++) {
            if (old.holds(grid.places().get(t)) || parts.isStopped()) {
                canvas.add(pictures.get(t));
                continue;
            }
            Inpainting inpainting =
                    inpainting(masks.get(t), latentMasks.get(t), how.content()).blur(2 * how.blur(), 2 * how.blur());
            long seed = request.seed() + drawn.size();
            drawn.addAll(draw.apply(part(from, List.of(pictures.get(t)), inpainting, tile, seed), parts.next()));
            canvas.add(Bitmap.rgba(drawn.getLast().pixels()).rgb());
        }
        String infotext = drawn.isEmpty() ? "" : drawn.getFirst().infotext();
        return List.of(new GeneratedImage(canvas.picture().toImage(), request.seed(), infotext));
    }

    /** White but for the old picture, of which so many pixels along the edges that it goes on at are white too. */
    private static Bitmap inside(Size size, int left, int up, int right, int down, int margin) {
        return frame(
                size,
                left > 0 ? left + margin : 0,
                up > 0 ? up + margin : 0,
                size.width() - right - (right > 0 ? margin : 0),
                size.height() - down - (down > 0 ? margin : 0));
    }
}
