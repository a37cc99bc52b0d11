package dev.atelier.diffusion;

/** What happens to a picture whose proportions are not those of the one to draw, under AUTOMATIC1111's names. */
public enum ResizeMode {
    JUST_RESIZE("Just resize") {
        @Override
        Bitmap resize(Bitmap image, int width, int height, Resizing how) {
            return how.to(image, width, height);
        }
    },
    CROP_AND_RESIZE("Crop and resize") {
        @Override
        Bitmap resize(Bitmap image, int width, int height, Resizing how) {
            Bitmap covering = isWider(width, height, image) ? toWidth(image, width, how) : toHeight(image, height, how);
            return centered(covering, width, height);
        }
    },
    /** The bars beside the picture take the colours of its edge. */
    RESIZE_AND_FILL("Resize and fill") {
        @Override
        Bitmap resize(Bitmap image, int width, int height, Resizing how) {
            long target = (long) width * image.height();
            long given = (long) image.width() * height;
            Bitmap fitting = target < given ? toWidth(image, width, how) : toHeight(image, height, how);
            Bitmap filled = centered(fitting, width, height);
            int bar = target < given ? height / 2 - fitting.height() / 2 : width / 2 - fitting.width() / 2;
            if (bar <= 0 || target == given) {
                return filled;
            }
            if (target < given) {
                return filled.paste(edge(fitting, width, bar, 0, 0, width, 0), 0, 0)
                        .paste(
                                edge(fitting, width, bar, 0, fitting.height(), width, fitting.height()),
                                0,
                                bar + fitting.height());
            }
            return filled.paste(edge(fitting, bar, height, 0, 0, 0, height), 0, 0)
                    .paste(
                            edge(fitting, bar, height, fitting.width(), 0, fitting.width(), height),
                            bar + fitting.width(),
                            0);
        }
    },
    /** The picture keeps its size until it is a latent, which is then resized. */
    LATENT_UPSCALE("Just resize (latent upscale)") {
        @Override
        Bitmap resize(Bitmap image, int width, int height, Resizing how) {
            return RESIZE_AND_FILL.resize(image, width, height, how); // AUTOMATIC1111 has nothing else for masks
        }
    };

    private final String label;

    ResizeMode(String label) {
        this.label = label;
    }

    /** The name on AUTOMATIC1111's web page; its API counts from 0. */
    public String label() {
        return label;
    }

    /** What gives a picture another size, whatever its proportions. */
    interface Resizing {
        Bitmap to(Bitmap image, int width, int height);
    }

    /** Level for level what AUTOMATIC1111 makes with Pillow. */
    abstract Bitmap resize(Bitmap image, int width, int height, Resizing how);

    /** The same where no upscaler is set. */
    Bitmap resize(Bitmap image, int width, int height) {
        return resize(image, width, height, Resampling.LANCZOS::resize);
    }

    private static boolean isWider(int width, int height, Bitmap image) {
        return (long) width * image.height() > (long) image.width() * height;
    }

    private static Bitmap toWidth(Bitmap image, int width, Resizing how) {
        return how.to(image, width, Math.max(1, image.height() * width / image.width()));
    }

    private static Bitmap toHeight(Bitmap image, int height, Resizing how) {
        return how.to(image, Math.max(1, image.width() * height / image.height()), height);
    }

    private static Bitmap centered(Bitmap image, int width, int height) {
        return Bitmap.blank(image.channels(), width, height)
                .paste(image, width / 2 - image.width() / 2, height / 2 - image.height() / 2);
    }

    /** A bar made from a line of the picture, and from the one beside it, which Pillow's filter sees too. */
    private static Bitmap edge(Bitmap image, int width, int height, int left, int top, int right, int bottom) {
        return Resampling.BICUBIC.resize(image, width, height, left, top, right, bottom);
    }
}
