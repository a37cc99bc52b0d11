package dev.atelier.server.novita;

import java.util.Locale;

/** As which kind of file pictures are handed out. */
enum ImageType {
    PNG(""),
    JPEG(".jpeg");

    private final String suffix;

    ImageType(String suffix) {
        this.suffix = suffix;
    }

    /** The name in requests and answers. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What a link adds to the key of a PNG file. */
    String suffix() {
        return suffix;
    }

    /** The one that {@code extra} asks for. */
    static ImageType of(Fields extra) {
        return switch (extra.text("response_image_type")) {
            case "", "png" -> PNG;
            case "jpeg" -> JPEG;
            default ->
                throw new ProblemException(
                        Problem.NOT_SUPPORTED, extra.path("response_image_type") + " must be png or jpeg");
        };
    }
}
