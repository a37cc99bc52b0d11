package dev.atelier.server.link;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.server.http.Api;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.store.ObjectStore;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;

/** {@code /files/*}: what {@link Links} has signed. Open to whoever has the link. */
public record LinkApi(Links links, ObjectStore store) implements Api {
    /** What keys of pictures begin with that are sent to a link. */
    public static final String ASSETS = "assets/";

    private static final int MAX_ASSET = 30 << 20;
    private static final String JPEG = ".jpeg";

    @Override
    public List<String> prefixes() {
        return List.of(Links.PREFIX);
    }

    @Override
    public void addTo(RoutesConfig routes) {
        routes.get(Links.PREFIX + "{expires}/{signature}/<key>", this::file);
        routes.put(Links.PREFIX + "{expires}/{signature}/<key>", this::receive);
    }

    /** A picture to train with. A link to anything else is for reading only. */
    private void receive(Context context) throws IOException {
        String key = context.pathParam("key");
        requireValid(context, key);
        if (!key.startsWith(ASSETS)) {
            throw new HttpError(403, "this link is for reading");
        }
        byte[] picture = Body.bytes(context, MAX_ASSET);
        try {
            var _ = ImageFile.read(picture);
        } catch (IOException e) {
            throw HttpError.of(422, e);
        }
        store.put(key, picture);
        context.status(200).json(Map.of());
    }

    private long requireValid(Context context, String key) {
        long expires;
        try {
            expires = Long.parseLong(context.pathParam("expires"));
        } catch (NumberFormatException _) {
            throw gone();
        }
        if (!links.isValid(key, expires, context.pathParam("signature"), Instant.now())) {
            throw gone();
        }
        return expires;
    }

    private void file(Context context) throws IOException {
        String key = context.pathParam("key");
        long expires = requireValid(context, key);
        byte[] content = content(key).orElseThrow(LinkApi::gone);
        context.header("Access-Control-Allow-Origin", "*")
                .header(
                        "Cache-Control",
                        "private, max-age=" + (expires - Instant.now().getEpochSecond()))
                .contentType(key.endsWith(JPEG) ? "image/jpeg" : "image/png")
                .result(content);
        // Javalin's UTF-8 would become a part of the type, of which a client makes a data: URL
        context.res().setCharacterEncoding(null);
    }

    private Optional<byte[]> content(String key) throws IOException {
        if (!key.endsWith(JPEG)) {
            return store.read(key);
        }
        Optional<byte[]> png = store.read(key.substring(0, key.length() - JPEG.length()));
        return png.isEmpty() ? png : Optional.of(jpeg(png.get()));
    }

    private static byte[] jpeg(byte[] png) throws IOException {
        BufferedImage image = ImageFile.read(png);
        BufferedImage opaque = new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = opaque.createGraphics();
        graphics.drawImage(image, 0, 0, null);
        graphics.dispose();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(opaque, "jpeg", out);
        return out.toByteArray();
    }

    private static HttpError gone() {
        return new HttpError(404, "this link has expired, or never was one");
    }

    @Override
    public String admit(Context context) {
        return "";
    }

    @Override
    public void fail(Context context, Exception failure) {
        context.json(Map.of("message", failure instanceof HttpError error ? error.getMessage() : "failed"));
    }
}
