package dev.atelier.server.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;

/** Where jobs, keys and settings are kept: a SQLite file, or PostgreSQL. Opening it brings its tables up to date. */
public final class Database implements AutoCloseable {
    // a server with its workers needs few: nothing holds a connection for longer than a statement or two
    private static final int CONNECTIONS = 8;

    private final HikariDataSource source;
    private final Jdbi jdbi;

    private Database(HikariDataSource source, String... tables) {
        this.source = source;
        try {
            Flyway.configure().dataSource(source).locations(tables).load().migrate();
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
        jdbi = Jdbi.create(source);
    }

    /** @throws UncheckedIOException if the folder of {@code file} cannot be made */
    public static Database sqlite(Path file) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:sqlite:" + file);
        config.addDataSourceProperty("journal_mode", "WAL");
        // in WAL mode NORMAL survives the death of any process, and FULL also that of the machine
        config.addDataSourceProperty("synchronous", "NORMAL");
        config.addDataSourceProperty("busy_timeout", "10000");
        config.addDataSourceProperty("foreign_keys", "true");
        // a transaction that first reads and then writes would fail where another writer came between
        config.addDataSourceProperty("transaction_mode", "IMMEDIATE");
        // SQLite has one writer; within a process, waiting for the connection is fairer than its busy loop
        config.setMaximumPoolSize(1);
        return new Database(new HikariDataSource(config), "classpath:db");
    }

    /**
     * A PostgreSQL database, which several servers and workers may share.
     *
     * @param url {@code postgresql://user:password@host:port/name}; parameters after {@code ?} are those of its JDBC driver
     * @throws IllegalArgumentException if it is written otherwise
     * @throws RuntimeException if it cannot be reached
     */
    public static Database postgresql(URI url) {
        boolean isPostgres = "postgresql".equals(url.getScheme()) || "postgres".equals(url.getScheme());
        if (!isPostgres || url.getHost() == null || url.getPath().length() < 2) {
            throw new IllegalArgumentException(
                    "the address of a database is written postgresql://user:password@host:port/name");
        }
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://%s%s%s%s"
                .formatted(
                        url.getHost(),
                        url.getPort() < 0 ? "" : ":" + url.getPort(),
                        url.getRawPath(),
                        url.getRawQuery() == null ? "" : "?" + url.getRawQuery()));
        if (url.getUserInfo() != null) {
            String[] user = url.getUserInfo().split(":", 2);
            config.setUsername(user[0]);
            config.setPassword(user.length == 2 ? user[1] : null);
        }
        config.setMaximumPoolSize(CONNECTIONS);
        return new Database(new HikariDataSource(config), "classpath:db", "classpath:postgresql");
    }

    public Jdbi jdbi() {
        return jdbi;
    }

    public DataSource source() {
        return source;
    }

    /** Whether it answers. */
    public boolean isReachable() {
        try {
            return jdbi.withHandle(handle ->
                            handle.select("select 1").mapTo(Integer.class).one())
                    == 1;
        } catch (RuntimeException _) {
            return false;
        }
    }

    @Override
    public void close() {
        source.close();
    }
}
