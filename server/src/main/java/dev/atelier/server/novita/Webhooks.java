package dev.atelier.server.novita;

import dev.atelier.server.db.Json;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.outbound.Outbound;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells whoever asked for it that a task is done. Each is told once, or again where a server dies while it tells; any server of
 * the same database may be the one.
 */
final class Webhooks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Webhooks.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    /** As long as a try may take at most, with some patience; then another server tries. */
    private static final Duration LEASE = Duration.ofSeconds(30);

    private static final int MAX_TRIES = 6;
    private static final int AT_ONCE = 32;

    private final Tasks tasks;
    private final Results results;
    private final ApiKeys keys;
    private final Outbound outbound;
    private final ExecutorService senders = Executors.newVirtualThreadPerTaskExecutor();
    private final Thread watcher = Thread.ofVirtual().name("webhooks").unstarted(this::watch);

    Webhooks(Tasks tasks, Results results, ApiKeys keys, Outbound outbound) {
        this.tasks = tasks;
        this.results = results;
        this.keys = keys;
        this.outbound = outbound;
    }

    Webhooks start() {
        watcher.start();
        return this;
    }

    private void watch() {
        try {
            while (true) {
                try {
                    for (NovitaTask task : tasks.withWebhookDue(Instant.now(), AT_ONCE)) {
                        if (tasks.claimWebhook(task, Instant.now().plus(LEASE))) {
                            senders.execute(() -> tell(task));
                        }
                    }
                } catch (RuntimeException e) {
                    LOG.warn("no webhook can be called now", e);
                }
                Thread.sleep(INTERVAL);
            }
        } catch (InterruptedException _) {
            // closed
        }
    }

    private void tell(NovitaTask task) {
        int tries = task.webhookTries() + 1;
        String problem = tried(task);
        if (problem.isEmpty()) {
            tasks.webhookDue(task, null);
        } else if (tries < MAX_TRIES) {
            LOG.info("webhook of task {}: {}; it is tried again", task.id(), problem);
            tasks.webhookDue(task, Instant.now().plusSeconds(1L << (tries - 1)));
        } else {
            LOG.warn("webhook of task {}: {}; it is given up", task.id(), problem);
            tasks.webhookDue(task, null);
        }
    }

    /** @return what went wrong, or "" */
    private String tried(NovitaTask task) {
        try {
            Map<String, Object> event = new LinkedHashMap<>();
            event.put("event_type", "ASYNC_TASK_RESULT");
            event.put("payload", V3Routes.answer(results, results.of(task)));
            byte[] body = Json.MAPPER.writeValueAsBytes(event);
            int status = outbound.post(
                    URI.create(String.valueOf(task.webhook())), "application/json", headers(task, body), body, TIMEOUT);
            return status / 100 == 2 ? "" : "it answers " + status;
        } catch (IOException | RuntimeException e) {
            return String.valueOf(e.getMessage());
        } catch (InterruptedException _) {
            return "the server shuts down";
        }
    }

    /** Who has the key can tell by them that it is this server that calls, and when. */
    private Map<String, String> headers(NovitaTask task, byte[] body) {
        Map<String, String> headers = new HashMap<>();
        headers.put("User-Agent", "atelier");
        Optional<String> secret = keys.hash(task.owner());
        if (secret.isPresent()) {
            String time = Long.toString(Instant.now().getEpochSecond());
            headers.put("X-Atelier-Timestamp", time);
            headers.put("X-Atelier-Signature", signature(secret.get(), time, body));
        }
        return headers;
    }

    /** HMAC-SHA256 of the time, a dot and the body, keyed with the hex digits of the API key's SHA-256; in hex. */
    static String signature(String secret, String time, byte[] body) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.US_ASCII), "HmacSHA256"));
            mac.update((time + ".").getBytes(StandardCharsets.US_ASCII));
            return HexFormat.of().formatHex(mac.doFinal(body));
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every JDK has HmacSHA256", e);
        }
    }

    @Override
    public void close() {
        watcher.interrupt();
        senders.shutdownNow();
    }
}
