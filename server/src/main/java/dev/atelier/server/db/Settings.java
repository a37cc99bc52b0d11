package dev.atelier.server.db;

import java.util.Optional;
import org.jdbi.v3.core.Jdbi;
import tools.jackson.databind.JsonNode;

/** Values by name that outlive the process and are the same for all servers. */
public final class Settings {
    private final Jdbi jdbi;

    public Settings(Database database) {
        this.jdbi = database.jdbi();
    }

    public Optional<JsonNode> get(String name) {
        return jdbi.withHandle(handle -> handle.select("select value from settings where name = ?", name)
                .mapTo(String.class)
                .findOne()
                .map(Json.MAPPER::readTree));
    }

    public void set(String name, JsonNode value) {
        jdbi.useHandle(handle -> handle.execute(
                "insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
                name,
                value.toString()));
    }

    /** The value of that name; {@code first} becomes it if there is none yet, also where two ask at once. */
    public JsonNode getOrSet(String name, JsonNode first) {
        jdbi.useHandle(handle -> handle.execute(
                "insert into settings (name, value) values (?, ?) on conflict (name) do nothing",
                name,
                first.toString()));
        return get(name).orElse(first);
    }
}
