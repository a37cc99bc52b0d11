package dev.atelier.server.novita;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.server.store.ObjectStore;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.UUID;

/** Pictures in requests: base64, with or without {@code data:image/png;base64,} before it, and with line breaks or not. */
record InputImages(ObjectStore store) {
    private static final int MAX_BYTES = 30 << 20;
    private static final int MAX_PIXELS = 16_000_000;

    /** @param key under which it is stored */
    record Input(String key, int width, int height) {}

    /**
     * Keeps a picture for a job.
     *
     * @param field what it is called in messages
     */
    Input keep(String field, String text) {
        String base64 = text.startsWith("data:") ? text.substring(text.indexOf(',') + 1) : text;
        if (base64.length() / 4 * 3L > MAX_BYTES) {
            throw new ProblemException(
                    Problem.IMAGE_BYTES, "%s: the picture is larger than %d MB".formatted(field, MAX_BYTES >> 20));
        }
        byte[] bytes;
        BufferedImage image;
        try {
            bytes = Base64.getMimeDecoder().decode(base64);
            image = ImageFile.read(bytes);
        } catch (IllegalArgumentException | IOException e) {
            throw new ProblemException(Problem.IMAGE_FORMAT, "%s: %s".formatted(field, e.getMessage()));
        }
        if ((long) image.getWidth() * image.getHeight() > MAX_PIXELS) {
            throw new ProblemException(
                    Problem.IMAGE_PIXELS,
                    "%s: %d × %d pixels are more than %d million"
                            .formatted(field, image.getWidth(), image.getHeight(), MAX_PIXELS / 1_000_000));
        }
        String key = "inputs/" + UUID.randomUUID();
        try {
            store.put(key, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Input(key, image.getWidth(), image.getHeight());
    }
}
