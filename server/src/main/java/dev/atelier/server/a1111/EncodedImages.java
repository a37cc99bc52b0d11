package dev.atelier.server.a1111;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.outbound.Hosts;
import dev.atelier.server.outbound.Outbound;
import dev.atelier.server.outbound.RefusedException;
import dev.atelier.server.store.ObjectStore;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Base64;
import java.util.UUID;

/**
 * Pictures in requests: base64, with or without {@code data:image/png;base64,} before it, or an address.
 *
 * @param from hosts from which they are fetched
 */
record EncodedImages(ObjectStore store, Outbound outbound, Hosts from) {
    static final int MAX_TEXT = 128 << 20;

    private static final int MAX_DOWNLOAD = 30 << 20;
    private static final Duration LONGEST = Duration.ofSeconds(30); // as in AUTOMATIC1111

    /**
     * Keeps a picture for a job.
     *
     * @return its key
     * @throws HttpError 500, as in AUTOMATIC1111, if it is none
     */
    String store(String text) throws IOException {
        byte[] bytes = bytes(text);
        var _ = picture(text, bytes); // with its limit on pixels; better here than in the job
        String key = "inputs/" + UUID.randomUUID();
        store.put(key, bytes);
        return key;
    }

    /** @throws HttpError 500, as in AUTOMATIC1111, if it is none */
    BufferedImage picture(String text) {
        return picture(text, bytes(text));
    }

    private static BufferedImage picture(String text, byte[] bytes) {
        try {
            return ImageFile.read(bytes);
        } catch (IOException e) {
            throw new HttpError(500, isAddress(text) ? "Invalid image url" : "Invalid encoded image");
        }
    }

    /** The infotext of a PNG file; "" if it carries none. */
    String infotext(String text) {
        byte[] png = bytes(text);
        try {
            return PngFile.readInfotext(png).orElse("");
        } catch (IOException | RuntimeException e) {
            throw new HttpError(500, "Invalid encoded image");
        }
    }

    byte[] bytes(String text) {
        if (isAddress(text)) {
            return download(text);
        }
        String base64 = text.startsWith("data:image/") ? text.substring(text.indexOf(',') + 1) : text;
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new HttpError(500, "Invalid encoded image");
        }
    }

    private static boolean isAddress(String text) {
        return text.startsWith("http://") || text.startsWith("https://");
    }

    private byte[] download(String address) {
        try {
            return outbound.fetch(new URI(address), from, MAX_DOWNLOAD, LONGEST);
        } catch (RefusedException e) {
            throw new HttpError(500, "Requests not allowed: " + e.getMessage());
        } catch (URISyntaxException | IOException e) {
            throw new HttpError(500, "Invalid image url");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HttpError(500, "Invalid image url");
        }
    }
}
