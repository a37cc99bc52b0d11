package dev.atelier.server.store;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Keeps what was put last in memory as well, because whoever asked for a picture reads it as soon as it is there. */
public final class RecentStore implements ObjectStore {
    private final ObjectStore store;
    private final long limit;
    private final Map<String, byte[]> recent = new LinkedHashMap<>();
    private long size;

    /** @param limit bytes of memory */
    public RecentStore(ObjectStore store, long limit) {
        this.store = store;
        this.limit = limit;
    }

    @Override
    public void put(String key, byte[] content) throws IOException {
        store.put(key, content);
        synchronized (recent) {
            forget(key);
            recent.put(key, content.clone());
            size += content.length;
            while (size > limit) {
                forget(recent.keySet().iterator().next());
            }
        }
    }

    private void forget(String key) {
        byte[] content = recent.remove(key);
        size -= content == null ? 0 : content.length;
    }

    @Override
    public Optional<Stored> open(String key) throws IOException {
        byte[] content;
        synchronized (recent) {
            content = recent.get(key);
        }
        return content == null
                ? store.open(key)
                : Optional.of(new Stored(content.length, new ByteArrayInputStream(content)));
    }

    @Override
    public void delete(String key) throws IOException {
        synchronized (recent) {
            forget(key);
        }
        store.delete(key);
    }

    @Override
    public void close() {
        store.close();
    }
}
