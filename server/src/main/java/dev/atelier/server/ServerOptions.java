package dev.atelier.server;

import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.outbound.Hosts;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a server is set up.
 *
 * @param port 0 for any that is free
 * @param auth null where nobody needs a password, which is refused unless {@code host} is this machine's own
 * @param queue jobs that may wait
 * @param keep how long after its end a job is kept with its pictures; null for ever
 * @param corsOrigins web pages that may call besides the server's own
 * @param webhookHosts hosts whose webhooks are called although their addresses are private
 * @param downloadHosts hosts from which models are downloaded
 */
public record ServerOptions(
        String host,
        int port,
        WorkOptions work,
        @Nullable BasicAuth auth,
        int queue,
        @Nullable Duration keep,
        Set<String> corsOrigins,
        Hosts webhookHosts,
        Hosts downloadHosts) {
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
