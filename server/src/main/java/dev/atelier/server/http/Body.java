package dev.atelier.server.http;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Request bodies with a limit. */
public final class Body {
    // a client that is still sending when the connection is closed never sees the answer
    private static final long MOST_IGNORED = 64 << 20;

    private Body() {}

    /** @throws HttpError 413 if the body is longer than {@code limit} bytes, whatever its header says */
    public static byte[] bytes(Context context, int limit) {
        if (context.req().getContentLengthLong() > limit) {
            throw tooLarge(limit);
        }
        try {
            byte[] bytes = stream(context).readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw tooLarge(limit);
            }
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As UTF-8, or Latin-1 where it is not: older clients of AUTOMATIC1111 send that and do not say so. */
    public static String text(Context context, int limit) {
        byte[] bytes = bytes(context, limit);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException _) {
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
    }

    /**
     * Reads what no route asked for. The connection of a body that was left unread has to be closed, of which a client
     * that was not told would learn with its next request: so a longer one, or one that does not come, is announced.
     */
    static void ignore(Context context) {
        long length = context.req().getContentLengthLong();
        if (length == 0 || (length < 0 && context.header("Transfer-Encoding") == null)) {
            return;
        }
        try {
            if (length > MOST_IGNORED || (!context.req().getInputStream().isFinished() && !ends(stream(context)))) {
                context.header("Connection", "close");
            }
        } catch (IOException | HttpError _) {
            context.header("Connection", "close");
        }
    }

    /** A body of any length. Reading it throws {@link HttpError} where it breaks off, or comes by the letter. */
    public static InputStream stream(Context context) throws IOException {
        return new SteadyStream(context.req().getInputStream(), System::nanoTime);
    }

    private static boolean ends(InputStream in) throws IOException {
        byte[] some = new byte[8192];
        long ignored = 0;
        while (ignored <= MOST_IGNORED) {
            int read = in.read(some);
            if (read < 0) {
                return true;
            }
            ignored += read;
        }
        return false;
    }

    private static HttpError tooLarge(int limit) {
        return new HttpError(413, "the body is longer than %d MB".formatted(limit >> 20));
    }
}
