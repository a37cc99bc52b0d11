package dev.atelier.server.upload;

import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Uploads in pieces, by version 1.0.0 of the protocol tus (https://tus.io/protocols/resumable-upload) with its extensions
 * creation and termination. What has arrived stays when a connection breaks; the caller asks how much that is and goes on.
 */
final class TusRoutes {
    private static final String VERSION = "1.0.0";
    private static final int BUFFER = 1 << 16;

    private final Intake intake;

    TusRoutes(Intake intake) {
        this.intake = intake;
    }

    void options(Context context) {
        context.status(204)
                .header("Tus-Resumable", VERSION)
                .header("Tus-Version", VERSION)
                .header("Tus-Extension", "creation,termination")
                .header("Tus-Max-Size", Long.toString(intake.maxBytes()));
    }

    /** Begins one. {@code Upload-Metadata} has {@code filename}, and may have {@code sha256} and {@code private}. */
    void create(Context context) throws IOException {
        requireVersion(context);
        Map<String, String> metadata = metadata(context.header("Upload-Metadata"));
        Incoming incoming = intake.begin(
                WebServer.owner(context),
                metadata.getOrDefault("filename", ""),
                number(context, "Upload-Length"),
                metadata.get("sha256"),
                metadata.getOrDefault("private", "false").equals("true"));
        context.status(201).header("Location", UploadApi.UPLOADS + "/" + incoming.id());
    }

    private static Map<String, String> metadata(@Nullable String header) {
        Map<String, String> metadata = new HashMap<>();
        for (String pair : header == null ? new String[0] : header.split(",", -1)) {
            String[] parts = pair.strip().split(" ", 2);
            try {
                byte[] value = Base64.getDecoder().decode(parts.length == 2 ? parts[1].strip() : "");
                metadata.put(parts[0], new String(value, StandardCharsets.UTF_8));
            } catch (IllegalArgumentException _) {
                throw new HttpError(400, "Upload-Metadata: the value of %s is not base64".formatted(parts[0]));
            }
        }
        return metadata;
    }

    /** How much has arrived. */
    void head(Context context) throws IOException {
        requireVersion(context);
        Incoming incoming = incoming(context);
        context.status(200)
                .header("Cache-Control", "no-store")
                .header("Upload-Length", Long.toString(incoming.length()))
                .header("Upload-Offset", Long.toString(Files.size(intake.part(incoming))));
    }

    /** The next piece. After the last the model is there, under the name in {@code Upload-Model}. */
    void patch(Context context) throws IOException {
        requireVersion(context);
        if (!"application/offset+octet-stream".equals(context.contentType())) {
            throw new HttpError(415, "a piece has the content type application/offset+octet-stream");
        }
        Incoming incoming = incoming(context);
        long offset = number(context, "Upload-Offset");
        long end = append(incoming, offset, Body.stream(context));
        context.status(204).header("Upload-Offset", Long.toString(end));
        if (end == incoming.length()) {
            context.header("Upload-Model", intake.accept(incoming));
        }
    }

    private long append(Incoming incoming, long offset, InputStream in) throws IOException {
        try (FileChannel part =
                        FileChannel.open(intake.part(incoming), StandardOpenOption.WRITE, StandardOpenOption.APPEND);
                FileLock lock = part.tryLock()) {
            if (lock == null) {
                throw busy();
            }
            long size = part.size();
            if (offset != size) {
                throw new HttpError(409, "%d bytes have arrived, so the next piece begins there".formatted(size));
            }
            byte[] buffer = new byte[BUFFER];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                if (size + read > incoming.length()) {
                    throw new HttpError(
                            413, "the piece goes beyond the announced %d bytes".formatted(incoming.length()));
                }
                part.write(ByteBuffer.wrap(buffer, 0, read));
                size += read;
            }
            return size;
        } catch (OverlappingFileLockException _) {
            throw busy();
        }
    }

    private static HttpError busy() {
        return new HttpError(423, "another request is sending a piece of this upload");
    }

    void delete(Context context) throws IOException {
        requireVersion(context);
        intake.forget(incoming(context));
        context.status(204);
    }

    private Incoming incoming(Context context) throws IOException {
        return intake.find(context.pathParam("id"))
                .filter(incoming -> incoming.owner().equals(WebServer.owner(context)))
                .orElseThrow(() -> new HttpError(404, "there is no such upload, or it is finished"));
    }

    private static void requireVersion(Context context) {
        context.header("Tus-Resumable", VERSION);
        if (!VERSION.equals(context.req().getHeader("Tus-Resumable"))) {
            throw new HttpError(
                    412, "this server speaks tus %s; send the header Tus-Resumable: %s".formatted(VERSION, VERSION));
        }
    }

    private static long number(Context context, String header) {
        String text = context.header(header);
        if (text == null || !text.matches("\\d{1,18}")) {
            throw new HttpError(400, "the header %s is a number of bytes".formatted(header));
        }
        return Long.parseLong(text);
    }
}
