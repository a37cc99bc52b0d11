package dev.atelier.server.key;

import dev.atelier.server.db.Database;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/** The keys of a server, in its database. Thread-safe. */
public final class ApiKeys {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int ID_BYTES = 6;
    // nobody guesses 192 random bits, so that one round of SHA-256 is as good as many
    private static final int SECRET_BYTES = 24;
    private static final Pattern SECRET = Pattern.compile("atl_([0-9a-f]{12})_[0-9a-f]{48}");

    private final Jdbi jdbi;

    public ApiKeys(Database database) {
        this.jdbi = database.jdbi();
    }

    /** @param secret the whole key, which is shown once and not kept */
    public record Created(ApiKey key, String secret) {}

    /**
     * Makes a key.
     *
     * @param balance in 10⁻¹⁰ USD, or null for no limit
     * @throws IllegalArgumentException if the name is blank or longer than 100 characters, or the balance is negative
     */
    public Created create(String name, @Nullable Long balance, Limits limits) {
        if (name.isBlank() || name.length() > 100) {
            throw new IllegalArgumentException("the name of a key has 1 to 100 characters");
        }
        if (balance != null && balance < 0) {
            throw new IllegalArgumentException("the balance of a key cannot be negative");
        }
        String id = hex(ID_BYTES);
        String secret = "atl_%s_%s".formatted(id, hex(SECRET_BYTES));
        ApiKey key = new ApiKey(id, name, balance, limits, Instant.ofEpochMilli(System.currentTimeMillis()), null);
        jdbi.useHandle(handle -> handle.execute(
                "insert into api_keys (id, name, hash, balance, per_minute, per_day, created_at) values (?, ?, ?, ?, ?, ?, ?)",
                id,
                name,
                HexFormat.of().formatHex(sha256(secret)),
                balance,
                limits.perMinute(),
                limits.perDay(),
                key.createdAt().toEpochMilli()));
        return new Created(key, secret);
    }

    /** The key with this secret, unless it is revoked. How long it takes says nothing about how close the secret is. */
    public Optional<ApiKey> authenticate(String secret) {
        Matcher matcher = SECRET.matcher(secret);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return jdbi.withHandle(handle -> handle.select("select * from api_keys where id = ?", matcher.group(1))
                        .map((row, _) -> new Row(key(row), row.getString("hash")))
                        .findOne())
                .filter(row -> MessageDigest.isEqual(HexFormat.of().parseHex(row.hash()), sha256(secret)))
                .map(Row::key)
                .filter(key -> key.revokedAt() == null);
    }

    private record Row(ApiKey key, String hash) {}

    public Optional<ApiKey> find(String id) {
        return jdbi.withHandle(handle -> handle.select("select * from api_keys where id = ?", id)
                .map((row, _) -> key(row))
                .findOne());
    }

    /** The SHA-256 of a key in hex digits, which who has the key can compute. */
    public Optional<String> hash(String id) {
        return jdbi.withHandle(handle -> handle.select("select hash from api_keys where id = ?", id)
                .mapTo(String.class)
                .findOne());
    }

    /** Whether there is a key that is not revoked. */
    public boolean exist() {
        return jdbi.withHandle(handle -> handle.select("select 1 from api_keys where revoked_at is null limit 1")
                .mapTo(Integer.class)
                .findOne()
                .isPresent());
    }

    /** All of them, also the revoked, the oldest first. */
    public List<ApiKey> list() {
        return jdbi.withHandle(handle -> handle.select("select * from api_keys order by created_at, id")
                .map((row, _) -> key(row))
                .list());
    }

    /** Lets nobody in with it any more. @return whether there was a key of that id that was not revoked */
    public boolean revoke(String id) {
        return jdbi.withHandle(handle -> handle.execute(
                        "update api_keys set revoked_at = ? where id = ? and revoked_at is null",
                        System.currentTimeMillis(),
                        id))
                == 1;
    }

    /**
     * Adds to a balance; a key without a limit gets one.
     *
     * @param amount in 10⁻¹⁰ USD; a negative one takes away, at most down to nothing
     * @return whether there is a key of that id
     */
    public boolean grant(String id, long amount) {
        return jdbi.withHandle(handle -> handle.execute("""
                        update api_keys set balance = case when coalesce(balance, 0) + ? < 0 then 0
                          else coalesce(balance, 0) + ? end
                        where id = ?
                        """, amount, amount, id)) == 1;
    }

    private static ApiKey key(ResultSet row) throws SQLException {
        Long revoked = number(row, "revoked_at");
        return new ApiKey(
                row.getString("id"),
                row.getString("name"),
                number(row, "balance"),
                new Limits(integer(row, "per_minute"), integer(row, "per_day")),
                Instant.ofEpochMilli(row.getLong("created_at")),
                revoked == null ? null : Instant.ofEpochMilli(revoked));
    }

    private static @Nullable Long number(ResultSet row, String column) throws SQLException {
        long value = row.getLong(column);
        return row.wasNull() ? null : value;
    }

    private static @Nullable Integer integer(ResultSet row, String column) throws SQLException {
        int value = row.getInt(column);
        return row.wasNull() ? null : value;
    }

    private static String hex(int length) {
        byte[] bytes = new byte[length];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
