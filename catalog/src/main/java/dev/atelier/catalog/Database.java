package dev.atelier.catalog;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.sqlite.JDBC;

/**
 * The SQLite file. One connection, used by one thread at a time: SQLite has one writer anyhow, and every statement here is
 * short. Other processes may use the file at the same time.
 */
final class Database implements AutoCloseable {
    private static final int VERSION = 1;

    private static final String SCHEMA = """
            create table folder (
                path text primary key
            );
            create table model (
                id integer primary key,
                path text not null unique,
                name text not null,
                lower_name text not null,
                lower_stem text not null,
                size integer not null,
                modified integer not null, -- nanoseconds since 1970
                identity text not null,
                inspection integer not null,
                kind text not null,
                architecture text not null,
                label text not null,
                dtypes text not null,
                components text not null,
                tensors integer not null,
                weights integer not null,
                words text not null,
                problem text,
                auto_v1 text,
                sha256 text,
                data_sha256 text
            );
            create index model_lower_name on model (lower_name, id);
            create index model_lower_stem on model (lower_stem);
            create index model_size on model (size, id);
            create index model_modified on model (modified, id);
            create index model_weights on model (weights);
            create index model_auto_v1 on model (auto_v1);
            create index model_sha256 on model (sha256);
            create index model_data_sha256 on model (data_sha256);
            create virtual table model_text using fts5 (
                name, words, content = 'model', content_rowid = 'id', tokenize = 'trigram'
            );
            create trigger model_inserted after insert on model begin
                insert into model_text (rowid, name, words) values (new.id, new.name, new.words);
            end;
            create trigger model_deleted after delete on model begin
                insert into model_text (model_text, rowid, name, words)
                values ('delete', old.id, old.name, old.words);
            end;
            create trigger model_updated after update of name, words on model begin
                insert into model_text (model_text, rowid, name, words)
                values ('delete', old.id, old.name, old.words);
                insert into model_text (rowid, name, words) values (new.id, new.name, new.words);
            end;
            """;

    private final Path file;
    private final Connection connection;

    private Database(Path file, Connection connection) {
        this.file = file;
        this.connection = connection;
    }

    /** @throws UncheckedIOException if the file cannot be made, or is not a catalog that this version can read */
    static Database open(Path file) {
        Path absolute = file.toAbsolutePath();
        Properties settings = new Properties();
        settings.setProperty("journal_mode", "WAL");
        settings.setProperty("synchronous", "NORMAL");
        settings.setProperty("busy_timeout", "10000");
        settings.setProperty("transaction_mode", "IMMEDIATE");
        try {
            Files.createDirectories(absolute.getParent());
            Database database = new Database(absolute, JDBC.createConnection("jdbc:sqlite:" + absolute, settings));
            try {
                database.prepare();
            } catch (RuntimeException e) {
                database.close();
                throw e;
            }
            return database;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (SQLException e) {
            throw failure(absolute, e);
        }
    }

    private void prepare() {
        transaction(() -> {
            int version = one("pragma user_version", row -> row.getInt(1)).orElseThrow();
            if (version > VERSION) {
                throw new UncheckedIOException(
                        new IOException("%s was written by a newer version of Atelier".formatted(file)));
            }
            if (version == 0) {
                try (Statement statement = connection.createStatement()) {
                    statement.executeUpdate(SCHEMA);
                    statement.executeUpdate("pragma user_version = " + VERSION);
                } catch (SQLException e) {
                    throw failure(file, e);
                }
            }
        });
    }

    /** Makes a value of a row of a result. */
    @FunctionalInterface
    interface Reader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** All rows of a query. */
    synchronized <T> List<T> all(String sql, Reader<T> reader, @Nullable Object... parameters) {
        try (PreparedStatement statement = statement(sql, parameters);
                ResultSet rows = statement.executeQuery()) {
            List<T> all = new ArrayList<>();
            while (rows.next()) {
                all.add(reader.read(rows));
            }
            return all;
        } catch (SQLException e) {
            throw failure(file, e);
        }
    }

    <T> Optional<T> one(String sql, Reader<T> reader, @Nullable Object... parameters) {
        return all(sql, reader, parameters).stream().findFirst();
    }

    synchronized void update(String sql, @Nullable Object... parameters) {
        try (PreparedStatement statement = statement(sql, parameters)) {
            statement.executeUpdate();
        } catch (SQLException e) {
            throw failure(file, e);
        }
    }

    /** All of {@code work}, or, if it throws, nothing of it. */
    synchronized void transaction(Runnable work) {
        try {
            connection.setAutoCommit(false);
            try {
                work.run();
                connection.commit();
            } catch (RuntimeException e) {
                connection.rollback();
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            throw failure(file, e);
        }
    }

    private PreparedStatement statement(String sql, @Nullable Object... parameters) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
        return statement;
    }

    private static UncheckedIOException failure(Path file, SQLException cause) {
        return new UncheckedIOException(new IOException(
                "%s: %s; if it is damaged, delete it and scan again".formatted(file, cause.getMessage()), cause));
    }

    @Override
    public synchronized void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw failure(file, e);
        }
    }
}
