package dev.atelier.server;

import dev.atelier.Engine;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.job.Worker;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a server is set up.
 *
 * @param port 0 for any that is free
 * @param models the folder of models
 * @param data the folder of the database and of results
 * @param auth null where nobody needs a password, which is refused unless {@code host} is this machine's own
 * @param workers pictures that are drawn at the same time; each worker keeps a model loaded
 * @param queue jobs that may wait
 * @param corsOrigins web pages that may call besides the server's own
 */
public record ServerOptions(
        String host,
        int port,
        Path models,
        Path data,
        @Nullable BasicAuth auth,
        int workers,
        int queue,
        Engine engine,
        Set<String> corsOrigins,
        Worker.Pace pace) {
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "::1", "[::1]");

    /** @throws IllegalArgumentException if strangers could reach a server that asks nobody for a password */
    public ServerOptions {
        if (!LOOPBACK.contains(host) && auth == null) {
            throw new IllegalArgumentException(
                    "a server that others can reach needs --api-auth USER:PASSWORD; without it, --host is 127.0.0.1");
        }
        corsOrigins = Set.copyOf(corsOrigins);
    }

    boolean isLoopback() {
        return LOOPBACK.contains(host);
    }
}
