package dev.atelier.server.a1111;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.store.ObjectStore;
import java.io.IOException;
import java.util.Base64;
import java.util.UUID;

/** Pictures in requests: base64, with or without {@code data:image/png;base64,} before it. */
final class EncodedImage {
    static final int MAX_TEXT = 128 << 20;

    private EncodedImage() {}

    /**
     * Keeps a picture for a job.
     *
     * @return its key
     * @throws HttpError 500, as in AUTOMATIC1111, if it is none
     */
    static String store(String text, ObjectStore store) throws IOException {
        byte[] bytes = bytes(text);
        try {
            var _ = ImageFile.read(bytes); // with its limit on pixels; better here than in the job
        } catch (IOException e) {
            throw new HttpError(500, "Invalid encoded image");
        }
        String key = "inputs/" + UUID.randomUUID();
        store.put(key, bytes);
        return key;
    }

    /** The infotext of a PNG file; "" if it carries none. */
    static String infotext(String text) {
        try {
            return PngFile.readInfotext(bytes(text)).orElse("");
        } catch (IOException | RuntimeException e) {
            throw new HttpError(500, "Invalid encoded image");
        }
    }

    static byte[] bytes(String text) {
        if (text.startsWith("http://") || text.startsWith("https://")) {
            throw new HttpError(500, "Requests not allowed");
        }
        String base64 = text.startsWith("data:image/") ? text.substring(text.indexOf(',') + 1) : text;
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new HttpError(500, "Invalid encoded image");
        }
    }
}
