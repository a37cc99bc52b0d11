package dev.atelier.cli;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.ImageToImage;
import dev.atelier.diffusion.Inpainting;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.Outpainting;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SdUpscale;
import dev.atelier.diffusion.SoftInpainting;
import dev.atelier.diffusion.Upscaler;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A picture to start from, and which part of it to draw anew. */
final class InitOptions {
    private enum Resize {
        STRETCH(ResizeMode.JUST_RESIZE),
        CROP(ResizeMode.CROP_AND_RESIZE),
        FILL(ResizeMode.RESIZE_AND_FILL),
        LATENT(ResizeMode.LATENT_UPSCALE);

        private final ResizeMode mode;

        Resize(ResizeMode mode) {
            this.mode = mode;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private enum Content {
        FILL(MaskedContent.FILL),
        ORIGINAL(MaskedContent.ORIGINAL),
        NOISE(MaskedContent.LATENT_NOISE),
        NOTHING(MaskedContent.LATENT_NOTHING);

        private final MaskedContent content;

        Content(MaskedContent content) {
            this.content = content;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final List<String> SOFT_SETTINGS =
            List.of("bias", "preservation", "boost", "influence", "threshold", "contrast");

    @Option(
            names = "--init",
            paramLabel = "PICTURE",
            description =
                    "The picture: PNG, JPEG, GIF, BMP or TIFF. Given several times, a batch is drawn, a picture from"
                            + " each.")
    private List<Path> inits = List.of();

    @Option(
            names = "--strength",
            paramLabel = "SHARE",
            description = "How much of it may change, 0 to 1. Default: 0.75.")
    private @Nullable Double strength;

    @Option(
            names = "--resize",
            paramLabel = "HOW",
            description = "What happens where its proportions differ: ${COMPLETION-CANDIDATES}. Default: stretch.")
    private @Nullable Resize resize;

    @Option(
            names = "--init-upscaler",
            paramLabel = "NAME",
            description = "What makes it larger where it is too small, as --hires-upscaler. Default: Lanczos.")
    @Nullable
    String upscaler;

    @Option(
            names = "--sd-upscale",
            paramLabel = "FACTOR",
            description =
                    "Make it so much larger with --init-upscaler and draw it over in tiles of --width × --height.")
    private @Nullable Double sdUpscale;

    @Option(
            names = "--tile-overlap",
            paramLabel = "PIXELS",
            description = "How far these tiles fade into each other. Default: 64.")
    private int overlap = 64;

    @Option(
            names = "--outpaint",
            paramLabel = "PIXELS",
            description = "Draw so much beyond its edges, 8 to 256; --mask-blur softens the old ones.")
    private @Nullable Integer outpaint;

    @Option(
            names = "--outpaint-sides",
            paramLabel = "SIDE",
            split = ",",
            description = "On which sides: ${COMPLETION-CANDIDATES}, between commas. Default: all.")
    private Set<Outpainting.Side> outpaintSides = EnumSet.allOf(Outpainting.Side.class);

    @Option(
            names = "--outpaint-tiles",
            description =
                    "Draw it in tiles of --width × --height from --masked-content, not side by side over noise like"
                            + " the picture.")
    private boolean outpaintTiles;

    @Option(
            names = "--outpaint-falloff",
            paramLabel = "EXPONENT",
            description = "Of that noise, 0 to 4: the lower the more detail. Default: 1.")
    private double outpaintFalloff = 1;

    @Option(
            names = "--outpaint-color",
            paramLabel = "SHARE",
            description = "How colourful that noise is, 0 to 1. Default: 0.05.")
    private double outpaintColor = 0.05;

    @Option(names = "--color-correction", description = "Give what is drawn the colours of it.")
    private boolean colorCorrection;

    @Option(
            names = "--exact-steps",
            description = "Take all of --steps; otherwise their share by the strength is taken.")
    private boolean exactSteps;

    @Option(
            names = "--mask",
            paramLabel = "PICTURE",
            description = "Which part to draw anew: where this is white, or opaque if it has transparency.")
    private @Nullable Path mask;

    @Option(names = "--invert-mask", description = "Draw anew what is black.")
    private boolean invertMask;

    @Option(
            names = "--mask-blur",
            paramLabel = "PIXELS",
            description = "How far the mask's edge is softened. Default: 4.")
    private @Nullable Integer maskBlur;

    @Option(
            names = "--only-masked",
            paramLabel = "PADDING",
            description = "Draw only the masked part, at the full size, and show so many pixels around it.")
    private @Nullable Integer onlyMasked;

    @Option(
            names = "--masked-content",
            paramLabel = "WHAT",
            description = "What to start from under the mask: ${COMPLETION-CANDIDATES}. Default: original.")
    private @Nullable Content content;

    @Option(
            names = "--mask-weight",
            paramLabel = "SHARE",
            description = "How much of what is under the mask is hidden from inpainting models, 0 to 1. Default: 1.")
    private @Nullable Double maskWeight;

    @Option(
            names = "--soft-inpainting",
            description = "Let what is drawn fade into what is kept, best with a wide --mask-blur.")
    private boolean soft;

    @Option(
            names = "--soft-settings",
            paramLabel = "KEY=VALUE",
            split = ":",
            description =
                    "The same with other settings than bias=1, preservation=0.5, boost=4, influence=0, threshold=0.5,"
                            + " contrast=2, between colons.")
    private List<String> softSettings = List.of();

    GenerationRequest applyTo(GenerationRequest request) throws IOException {
        if (inits.isEmpty()) {
            if (mask != null || strength != null || outpaint != null || sdUpscale != null) {
                throw new IllegalArgumentException(
                        "--mask, --strength, --outpaint and --sd-upscale need a picture to start from: --init");
            }
            return request;
        }
        List<BufferedImage> images = new ArrayList<>();
        for (Path init : inits) {
            images.add(ImageFile.read(init));
        }
        ImageToImage from = ImageToImage.of(images).exactSteps(exactSteps).colorCorrection(colorCorrection);
        from = strength != null ? from.denoisingStrength(strength) : from;
        from = resize != null ? from.resizeMode(resize.mode) : from;
        from = upscaler != null ? from.upscaler(UpscalerOption.of(upscaler).upscaler()) : from;
        if (mask != null) {
            Inpainting inpainting = Inpainting.of(ImageFile.read(mask)).inverted(invertMask);
            inpainting = maskBlur != null ? inpainting.blur(maskBlur, maskBlur) : inpainting;
            inpainting = onlyMasked != null ? inpainting.onlyMasked(onlyMasked) : inpainting;
            inpainting = maskWeight != null ? inpainting.conditioningWeight(maskWeight) : inpainting;
            inpainting = soft || !softSettings.isEmpty() ? inpainting.soft(softInpainting(softSettings)) : inpainting;
            from = from.inpainting(content != null ? inpainting.content(content.content) : inpainting);
        }
        if (sdUpscale == null) {
            return request.imageToImage(from).outpainting(outpaint == null ? null : outpainting(outpaint));
        }
        Upscaler how = upscaler == null ? Upscaler.LANCZOS : from.upscaler();
        return request.imageToImage(from.upscaler(Upscaler.NONE)).sdUpscale(new SdUpscale(sdUpscale, how, overlap));
    }

    private Outpainting outpainting(int pixels) {
        Outpainting usual = Outpainting.of(outpaintTiles ? Outpainting.Method.POOR_MANS : Outpainting.Method.MK2);
        return new Outpainting(
                usual.method(),
                pixels,
                maskBlur != null ? maskBlur : usual.blur(),
                outpaintSides,
                outpaintFalloff,
                outpaintColor,
                content != null ? content.content : usual.content());
    }

    private static SoftInpainting softInpainting(List<String> settings) {
        Map<String, Double> values = new HashMap<>();
        for (String setting : settings) {
            String[] parts = setting.split("=", 2);
            if (!SOFT_SETTINGS.contains(parts[0])) {
                throw new IllegalArgumentException(
                        "--soft-settings has no \"%s\"; known are %s".formatted(parts[0], SOFT_SETTINGS));
            }
            values.put(parts[0], number(parts));
        }
        SoftInpainting usual = SoftInpainting.DEFAULT;
        return new SoftInpainting(
                values.getOrDefault("bias", usual.scheduleBias()),
                values.getOrDefault("preservation", usual.preservation()),
                values.getOrDefault("boost", usual.contrastBoost()),
                values.getOrDefault("influence", usual.maskInfluence()),
                values.getOrDefault("threshold", usual.differenceThreshold()),
                values.getOrDefault("contrast", usual.differenceContrast()));
    }

    private static double number(String... setting) {
        try {
            return Double.parseDouble(setting.length == 2 ? setting[1] : "");
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--soft-settings %s has no number".formatted(setting[0]), e);
        }
    }
}
