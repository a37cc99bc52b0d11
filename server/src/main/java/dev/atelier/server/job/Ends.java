package dev.atelier.server.job;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Hands jobs that end in this process to those who wait for them, who need not read their rows then. */
final class Ends {
    private final Map<String, Set<Wait>> waiting = new ConcurrentHashMap<>();

    /** To be closed by whoever waits. An end that comes after this is not missed. */
    Wait wait(String id) {
        Wait wait = new Wait(id);
        waiting.computeIfAbsent(id, _ -> ConcurrentHashMap.newKeySet()).add(wait);
        return wait;
    }

    void happen(Job job) {
        Set<Wait> ended = waiting.remove(job.id());
        if (ended != null) {
            ended.forEach(wait -> wait.end.complete(job));
        }
    }

    final class Wait implements AutoCloseable {
        private final String id;
        private final CompletableFuture<Job> end = new CompletableFuture<>();

        private Wait(String id) {
            this.id = id;
        }

        /** @return the finished job; empty if it did not end here within {@code longest} */
        Optional<Job> await(Duration longest) throws InterruptedException {
            try {
                return Optional.of(end.get(longest.toNanos(), TimeUnit.NANOSECONDS));
            } catch (TimeoutException _) {
                return Optional.empty();
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            waiting.computeIfPresent(id, (_, others) -> {
                others.remove(this);
                return others.isEmpty() ? null : others;
            });
        }
    }
}
