package dev.atelier.server.a1111;

import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which job a client's task id means, for {@code /internal/progress}; the last thousand of them. */
final class TaskIds {
    private static final int KEPT = 1000;
    private static final String LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Map<String, String> jobs = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > KEPT;
        }
    };

    /** @param id null for one of AUTOMATIC1111's form */
    synchronized void put(@Nullable String id, String mode, String job) {
        jobs.put(id == null ? "task(%s-%s)".formatted(mode, random()) : id, job);
    }

    synchronized Optional<String> job(String id) {
        return Optional.ofNullable(jobs.get(id));
    }

    /** The id of a job. */
    synchronized Optional<String> idOf(String job) {
        return jobs.entrySet().stream()
                .filter(entry -> entry.getValue().equals(job))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private static String random() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 7; i++) {
            text.append(LETTERS.charAt(RANDOM.nextInt(LETTERS.length())));
        }
        return text.toString();
    }
}
