package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The picture that a run starts from, prepared as AUTOMATIC1111 prepares it.
 *
 * @param picture RGB, of the size that is drawn, or of its own for {@link ResizeMode#LATENT_UPSCALE}
 * @param mask white where it is drawn anew; null if it is drawn anew everywhere
 * @param latentMask the same for latents; null together with the mask
 * @param original what is kept of, of the size of the overlay; null together with the mask
 * @param overlay what goes over the drawn picture, RGBA; null together with the mask
 * @param place where in the overlay the drawn picture lies; null if it fills it
 */
record Source(
        Bitmap picture,
        @Nullable Bitmap mask,
        @Nullable Bitmap latentMask,
        @Nullable Bitmap original,
        @Nullable Bitmap overlay,
        @Nullable Box place) {
    // AUTOMATIC1111's threshold of masks that are made from transparency
    private static final int OPAQUE = 128;

    /** Each picture that a request starts from. */
    static List<Source> of(ImageToImage from, Size size, Upscaling upscaling) {
        return from.images().stream()
                .map(image -> of(image, from, size, upscaling))
                .toList();
    }

    private static Source of(BufferedImage image, ImageToImage from, Size size, Upscaling upscaling) {
        Bitmap given = onWhite(Bitmap.rgba(image));
        Inpainting inpainting = from.inpainting();
        if (inpainting == null) {
            return new Source(resized(given, from.resizeMode(), size, upscaling), null, null, null, null, null);
        }
        Bitmap mask = mask(inpainting);
        if (!inpainting.isOnlyMasked()) {
            Bitmap picture = resized(given, from.resizeMode(), size, upscaling);
            Bitmap fitting = from.resizeMode().resize(mask, size.width(), size.height());
            // what is drawn a little is shown whole
            return with(
                    picture, picture, fitting, fitting.map(level -> Math.min(255, 2 * level)), null, from, inpainting);
        }
        Box around = Box.of(mask, inpainting.padding());
        if (around == null) {
            return new Source(resized(given, from.resizeMode(), size, upscaling), null, null, null, null, null);
        }
        Box box = around.expandedTo(size, mask.size());
        Bitmap closeUp = resized(box.cutFrom(given), ResizeMode.RESIZE_AND_FILL, size, upscaling);
        Bitmap fitting = ResizeMode.RESIZE_AND_FILL.resize(box.cutFrom(mask), size.width(), size.height());
        return with(closeUp, given, fitting, mask, box, from, inpainting);
    }

    private static Source with(
            Bitmap picture,
            Bitmap original,
            Bitmap mask,
            Bitmap overlayMask,
            @Nullable Box place,
            ImageToImage from,
            Inpainting inpainting) {
        Bitmap fitting = overlayMask.size().equals(original.size())
                ? overlayMask
                : from.resizeMode().resize(overlayMask, original.width(), original.height());
        boolean filled = inpainting.content() != MaskedContent.ORIGINAL;
        Bitmap ofLatents = inpainting.latentMask() == null
                ? mask
                : Bitmap.rgba(inpainting.latentMask()).luma();
        return new Source(
                filled ? Compositing.fill(picture, ofLatents) : picture,
                mask,
                ofLatents,
                original,
                Compositing.cutOut(original, fitting),
                place);
    }

    private static Bitmap resized(Bitmap picture, ResizeMode mode, Size size, Upscaling upscaling) {
        return mode == ResizeMode.LATENT_UPSCALE
                ? picture
                : mode.resize(picture, size.width(), size.height(), upscaling::to);
    }

    /** Without transparency. */
    static Bitmap onWhite(Bitmap rgba) {
        return Compositing.over(Bitmap.blank(4, rgba.width(), rgba.height()).inverted(), rgba)
                .rgb();
    }

    /** One channel, white where it is drawn anew, its edges softened. */
    private static Bitmap mask(Inpainting inpainting) {
        Bitmap given = Bitmap.rgba(inpainting.mask());
        Bitmap alpha = given.channel(3);
        boolean transparent = false;
        for (int level : alpha.levels()) {
            transparent |= level != 255;
        }
        Bitmap mask = given.luma();
        if (transparent) {
            mask = inpainting.rounded() ? alpha.map(level -> level > OPAQUE ? 255 : 0) : alpha;
        }
        return Blur.gaussian(inpainting.inverted() ? mask.inverted() : mask, inpainting.blurX(), inpainting.blurY());
    }

    /** How much of each latent cell is drawn, {@code [images, channels, height, width]}. */
    FloatArray drawn(boolean rounded, int... shape) {
        if (latentMask == null) {
            throw new IllegalStateException("everything is drawn");
        }
        Bitmap cells = Resampling.BICUBIC.resize(latentMask, shape[3], shape[2]);
        float[] drawn = new float[shape[0] * shape[1] * shape[2] * shape[3]];
        for (int i = 0; i < drawn.length; i++) {
            float share = cells.levels()[i % cells.levels().length] / 255f;
            drawn[i] = rounded ? (float) Math.rint(share) : share;
        }
        return FloatArray.of(drawn, shape);
    }

    /** The same with another mask for what goes over the drawn picture, of the size that is drawn. */
    Source overlaid(Bitmap drawn) {
        Bitmap whole = Objects.requireNonNull(original);
        Bitmap fitting = place == null
                ? drawn
                : Bitmap.blank(1, whole.width(), whole.height())
                        .paste(
                                ResizeMode.CROP_AND_RESIZE.resize(drawn, place.width(), place.height()),
                                place.left(),
                                place.top());
        return new Source(picture, mask, latentMask, original, Compositing.cutOut(whole, fitting), place);
    }

    /** The drawn picture with what was to be kept over it. */
    Bitmap finish(Bitmap drawn) {
        if (overlay == null) {
            return drawn;
        }
        Bitmap opaque = Bitmap.rgba(drawn.toImage());
        if (place == null) {
            return Compositing.over(opaque, overlay).rgb();
        }
        Bitmap fitting = Bitmap.rgba(ResizeMode.CROP_AND_RESIZE
                .resize(drawn, place.width(), place.height())
                .toImage());
        Bitmap canvas = Bitmap.blank(4, overlay.width(), overlay.height()).paste(fitting, place.left(), place.top());
        return Compositing.over(canvas, overlay).rgb();
    }
}
