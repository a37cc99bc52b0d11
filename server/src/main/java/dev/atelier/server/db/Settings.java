package dev.atelier.server.db;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jdbi.v3.core.Jdbi;
import tools.jackson.databind.JsonNode;

/**
 * Values by name that outlive the process and are the same for all servers. What one server sets, others see within a
 * second. Values are shared: whoever changes one changes a copy.
 */
public final class Settings {
    private static final long FRESH = TimeUnit.SECONDS.toNanos(1);

    private final Jdbi jdbi;
    private final Map<String, Read> read = new ConcurrentHashMap<>();

    private record Read(Optional<JsonNode> value, long time) {}

    public Settings(Database database) {
        this.jdbi = database.jdbi();
    }

    public Optional<JsonNode> get(String name) {
        Read known = read.get(name);
        if (known != null && System.nanoTime() - known.time() < FRESH) {
            return known.value();
        }
        long now = System.nanoTime();
        Optional<JsonNode> value =
                jdbi.withHandle(handle -> handle.select("select value from settings where name = ?", name)
                        .mapTo(String.class)
                        .findOne()
                        .map(Json.MAPPER::readTree));
        read.put(name, new Read(value, now));
        return value;
    }

    public void set(String name, JsonNode value) {
        jdbi.useHandle(handle -> handle.execute(
                "insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
                name,
                value.toString()));
        read.remove(name);
    }

    /** The value of that name; {@code first} becomes it if there is none yet, also where two ask at once. */
    public JsonNode getOrSet(String name, JsonNode first) {
        jdbi.useHandle(handle -> handle.execute(
                "insert into settings (name, value) values (?, ?) on conflict (name) do nothing",
                name,
                first.toString()));
        read.remove(name);
        return get(name).orElse(first);
    }
}
