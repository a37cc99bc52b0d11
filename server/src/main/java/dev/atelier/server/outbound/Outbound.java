package dev.atelier.server.outbound;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.client.BytesRequestContent;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.InputStreamResponseListener;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.Response;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * Calls addresses that strangers named. The address that a name resolves to is checked where the connection is made to it, so
 * that no second look at the name can lead elsewhere. Redirects are followed one by one, each checked like the first.
 * Thread-safe.
 */
public final class Outbound implements AutoCloseable {
    private static final int MAX_REDIRECTS = 5;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final long CONNECT_MILLIS = 5000;
    private static final long IDLE_MILLIS = 30_000;

    /** What a name stands for. */
    @FunctionalInterface
    public interface Names {
        InetAddress[] addresses(String host) throws UnknownHostException;
    }

    private final Hosts trusted;
    private final Names names;
    private final HttpClient client = new HttpClient();

    /** @param trusted hosts that may have private addresses */
    public Outbound(Hosts trusted) {
        this(trusted, InetAddress::getAllByName, new SslContextFactory.Client());
    }

    Outbound(Hosts trusted, Names names, SslContextFactory.Client tls) {
        this.trusted = trusted;
        this.names = names;
        client.setSslContextFactory(tls);
        client.setFollowRedirects(false);
        client.setConnectTimeout(CONNECT_MILLIS);
        client.setIdleTimeout(IDLE_MILLIS);
        client.setUserAgentField(null);
        client.setSocketAddressResolver((host, port, _, promise) -> {
            try {
                promise.succeeded(resolve(host, port));
            } catch (IOException e) {
                promise.failed(e);
            }
        });
        try {
            client.start();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        client.getContentDecoderFactories().clear(); // what is downloaded is what was hashed
        client.getProtocolHandlers().clear(); // nor does a 401 or a redirect make a request of its own
    }

    private List<InetSocketAddress> resolve(String host, int port) throws IOException {
        List<InetSocketAddress> found = new ArrayList<>();
        String name = host.replaceAll("^\\[|]$", "");
        for (InetAddress address : names.addresses(name)) {
            if (!trusted.contain(host) && !PublicAddress.is(address)) {
                throw new RefusedException(
                        "%s is %s, which is not a public address".formatted(host, address.getHostAddress()));
            }
            // with its name, by which the certificate is checked
            found.add(new InetSocketAddress(InetAddress.getByAddress(name, address.getAddress()), port));
        }
        return found;
    }

    /**
     * Says early what a call would say later. A name that nobody knows now may be known then.
     *
     * @throws RefusedException if the server will not call it
     */
    public void check(URI url) throws RefusedException {
        requireHttp(url, Set.of("http", "https"));
        try {
            var _ = resolve(url.getHost(), url.getPort());
        } catch (RefusedException e) {
            throw e;
        } catch (IOException _) {
            // not now
        }
    }

    private static void requireHttp(URI url, Set<String> schemes) throws RefusedException {
        if (url.getScheme() == null || !schemes.contains(url.getScheme()) || url.getHost() == null) {
            throw new RefusedException(
                    "it has to begin with %s".formatted(schemes.contains("http") ? "http:// or https://" : "https://"));
        }
        if (url.getUserInfo() != null) {
            throw new RefusedException("it may not contain a user or a password");
        }
    }

    /**
     * Sends a body; redirects are not followed.
     *
     * @return the status
     */
    public int post(URI url, String contentType, Map<String, String> headers, byte[] body, Duration timeout)
            throws IOException, InterruptedException {
        requireHttp(url, Set.of("http", "https"));
        InputStreamResponseListener answer = new InputStreamResponseListener();
        Request request = client.newRequest(url)
                .method(HttpMethod.POST)
                .timeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .body(new BytesRequestContent(contentType, body))
                .headers(fields -> headers.forEach(fields::put));
        request.send(answer);
        try {
            return head(answer, timeout).getStatus();
        } finally {
            answer.close(); // nobody reads what it says
        }
    }

    /**
     * A file behind an address.
     *
     * @param url where it was found in the end
     * @param size in bytes, −1 if unknown
     */
    public record Download(URI url, long size, InputStream content) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            content.close();
        }
    }

    /** @throws RefusedException if nothing is downloaded from there */
    public void checkDownload(URI url, Hosts allowed) throws RefusedException {
        requireHttp(url, Set.of("https"));
        if (!allowed.contain(url.getHost())) {
            throw new RefusedException(
                    "%s is not among the hosts from which this server downloads".formatted(url.getHost()));
        }
    }

    /**
     * Begins a download, over HTTPS.
     *
     * @param allowed from where, and to where it may be redirected
     * @throws RefusedException if it leads to another place
     */
    public Download download(URI url, Hosts allowed) throws IOException, InterruptedException {
        URI next = url;
        for (int i = 0; i <= MAX_REDIRECTS; i++) {
            checkDownload(next, allowed);
            InputStreamResponseListener answer = new InputStreamResponseListener();
            client.newRequest(next).send(answer);
            Response head = head(answer, Duration.ofMillis(CONNECT_MILLIS + IDLE_MILLIS));
            if (head.getStatus() == 200) {
                return new Download(
                        next, head.getHeaders().getLongField(HttpHeader.CONTENT_LENGTH), answer.getInputStream());
            }
            answer.close();
            String location = head.getHeaders().get(HttpHeader.LOCATION);
            if (!REDIRECTS.contains(head.getStatus()) || location == null) {
                throw new IOException("%s answers %d".formatted(next.getHost(), head.getStatus()));
            }
            next = next.resolve(location);
        }
        throw new RefusedException("it leads on and on: more than %d redirects".formatted(MAX_REDIRECTS));
    }

    /**
     * A whole file, over HTTPS.
     *
     * @throws RefusedException as {@link #download}
     * @throws IOException also if it has more than {@code limit} bytes, or takes too long
     */
    public byte[] fetch(URI url, Hosts allowed, int limit, Duration longest) throws IOException, InterruptedException {
        long end = System.nanoTime() + longest.toNanos();
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        try (Download download = download(url, allowed)) {
            byte[] buffer = new byte[1 << 16];
            for (int read = 0; read >= 0; read = download.content().read(buffer)) {
                file.write(buffer, 0, read);
                if (file.size() > limit) {
                    throw new IOException("%s sends more than %d bytes".formatted(url.getHost(), limit));
                }
                if (System.nanoTime() > end) {
                    throw new IOException("%s takes longer than %d s".formatted(url.getHost(), longest.toSeconds()));
                }
            }
        }
        return file.toByteArray();
    }

    private static Response head(InputStreamResponseListener answer, Duration timeout)
            throws IOException, InterruptedException {
        try {
            return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException("no answer within %d seconds".formatted(timeout.toSeconds()), e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RefusedException refused) {
                throw refused;
            }
            throw new IOException(
                    String.valueOf(
                            e.getCause() == null ? e.getMessage() : e.getCause().getMessage()),
                    e);
        }
    }

    @Override
    public void close() {
        try {
            client.stop();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
