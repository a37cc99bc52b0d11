package dev.atelier.catalog;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.FileStamp;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rows of models. */
final class ModelTable {
    private static final String COLUMNS =
            "id, path, name, size, modified, kind, architecture, label, dtypes, components,"
                    + " tensors, problem, auto_v1, sha256, data_sha256";

    private static final Pattern HASH = Pattern.compile("[0-9a-f]{8,64}");

    /** The index of the catalog takes words apart into groups of three letters. */
    private static final int SHORTEST_INDEXED = 3;

    private final Database database;

    ModelTable(Database database) {
        this.database = database;
    }

    /** What tells whether a file is still the one that was looked at. */
    record Known(long id, Path path, long size, long modified, String identity, int inspection) {
        boolean isStill(FileStamp file) {
            return isSameFile(file) && inspection == Inspection.VERSION;
        }

        /** Whether it is this file, under whatever path. */
        boolean isSameFile(FileStamp file) {
            return size == file.size()
                    && modified == nanos(file.modified())
                    && identity.equals(ModelTable.identity(file));
        }
    }

    List<Known> below(Path folder) {
        String prefix = folder + folder.getFileSystem().getSeparator();
        return database.all(
                "select id, path, size, modified, identity, inspection from model where substr(path, 1, ?) = ?",
                row -> new Known(
                        row.getLong(1),
                        Path.of(row.getString(2)),
                        row.getLong(3),
                        row.getLong(4),
                        row.getString(5),
                        row.getInt(6)),
                prefix.length(),
                prefix);
    }

    void put(String name, FileStamp file, Inspection inspection) {
        database.update(
                """
                insert into model (path, name, lower_name, lower_stem, size, modified, identity, inspection, kind,
                    architecture, label, dtypes, components, tensors, weights, words, problem, auto_v1)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                on conflict (path) do update set
                    name = excluded.name, lower_name = excluded.lower_name, lower_stem = excluded.lower_stem,
                    size = excluded.size, modified = excluded.modified, identity = excluded.identity,
                    inspection = excluded.inspection, kind = excluded.kind, architecture = excluded.architecture,
                    label = excluded.label, dtypes = excluded.dtypes, components = excluded.components, tensors = excluded.tensors,
                    weights = excluded.weights, words = excluded.words, problem = excluded.problem,
                    auto_v1 = excluded.auto_v1,
                    sha256 = case when size = excluded.size and modified = excluded.modified
                        and identity = excluded.identity then sha256 end,
                    data_sha256 = case when size = excluded.size and modified = excluded.modified
                        and identity = excluded.identity then data_sha256 end
                """,
                file.path().toString(),
                name,
                name.toLowerCase(Locale.ROOT),
                Model.stem(name).toLowerCase(Locale.ROOT),
                file.size(),
                nanos(file.modified()),
                identity(file),
                Inspection.VERSION,
                ModelKind.of(inspection.architecture()).name(),
                inspection.architecture().name(),
                inspection.label(),
                inspection.dtypes(),
                inspection.components(),
                inspection.tensors(),
                inspection.weights(),
                inspection.words(),
                inspection.problem(),
                inspection.autoV1());
    }

    void move(long id, Path path, String name) {
        database.update(
                "update model set path = ?, name = ?, lower_name = ?, lower_stem = ? where id = ?",
                path.toString(),
                name,
                name.toLowerCase(Locale.ROOT),
                Model.stem(name).toLowerCase(Locale.ROOT),
                id);
    }

    void remove(long id) {
        database.update("delete from model where id = ?", id);
    }

    /** Records the hashes of a file, if its row still describes the file that was hashed. */
    void putHashes(FileStamp file, FileHashes hashes) {
        database.update(
                "update model set sha256 = ?, data_sha256 = ?, auto_v1 = ?"
                        + " where path = ? and size = ? and modified = ? and identity = ?",
                hashes.sha256(),
                hashes.dataSha256().orElse(null),
                hashes.autoV1(),
                file.path().toString(),
                file.size(),
                nanos(file.modified()),
                identity(file));
    }

    Optional<String> sha256(FileStamp file) {
        return database
                .all(
                        "select sha256 from model where sha256 is not null"
                                + " and path = ? and size = ? and modified = ? and identity = ?",
                        row -> row.getString(1),
                        file.path().toAbsolutePath().normalize().toString(),
                        file.size(),
                        nanos(file.modified()),
                        identity(file))
                .stream()
                .findFirst();
    }

    /** Models whose row fulfils a condition, by name. */
    List<Model> where(String condition, @Nullable Object... parameters) {
        return database.all(
                "select %s from model where %s order by lower_name, id".formatted(COLUMNS, condition),
                ModelTable::model,
                parameters);
    }

    List<String> stems() {
        return database.all("select name from model where problem is null", row -> Model.stem(row.getString(1)));
    }

    ModelPage page(ModelQuery query) {
        List<String> conditions = new ArrayList<>(List.of("true"));
        List<Object> parameters = new ArrayList<>();
        addText(query.text(), conditions, parameters);
        query.kind().ifPresent(kind -> {
            conditions.add("kind = ?");
            parameters.add(kind.name());
        });
        query.family().ifPresent(family -> {
            String prefix = family.toUpperCase(Locale.ROOT);
            conditions.add("substr(architecture, 1, ?) = ?");
            parameters.add(prefix.length());
            parameters.add(prefix);
        });
        query.broken().ifPresent(broken -> conditions.add(broken ? "problem is not null" : "problem is null"));
        query.cursor().ifPresent(cursor -> addCursor(query.sort(), cursor, conditions, parameters));
        parameters.add(query.limit() + 1);
        List<Model> models = database.all(
                "select %s from model where %s order by %s %s, id limit ?"
                        .formatted(
                                COLUMNS, String.join(" and ", conditions), query.sort().column, query.sort().direction),
                ModelTable::model,
                parameters.toArray());
        if (models.size() <= query.limit()) {
            return new ModelPage(models, Optional.empty());
        }
        List<Model> page = List.copyOf(models.subList(0, query.limit()));
        return new ModelPage(page, Optional.of(cursor(query.sort(), page.getLast())));
    }

    private static void addText(String text, List<String> conditions, List<Object> parameters) {
        List<String> words = Arrays.stream(text.strip().split("\\s+"))
                .filter(word -> !word.isEmpty())
                .toList();
        if (words.size() == 1
                && HASH.matcher(words.getFirst().toLowerCase(Locale.ROOT)).matches()) {
            conditions.add("(%s or instr(lower_name, ?) > 0)".formatted(HAS_HASH));
            parameters.addAll(hashParameters(words.getFirst()));
            parameters.add(words.getFirst().toLowerCase(Locale.ROOT));
            return;
        }
        for (String word : words) {
            if (word.codePointCount(0, word.length()) >= SHORTEST_INDEXED) {
                conditions.add("id in (select rowid from model_text where model_text match ?)");
                parameters.add('"' + word.replace("\"", "\"\"") + '"');
            } else {
                conditions.add("instr(lower_name, ?) > 0");
                parameters.add(word.toLowerCase(Locale.ROOT));
            }
        }
    }

    /** A condition that takes {@link #hashParameters}. A range, because LIKE would not use the index. */
    static final String HAS_HASH = "(sha256 between ? and ? or data_sha256 between ? and ? or auto_v1 = ?)";

    static boolean isHash(String text) {
        return HASH.matcher(text.toLowerCase(Locale.ROOT)).matches();
    }

    static List<Object> hashParameters(String prefix) {
        String from = prefix.toLowerCase(Locale.ROOT);
        String to = from + "g"; // the letter after the last digit
        return List.of(from, to, from, to, from);
    }

    private static void addCursor(
            ModelQuery.Sort sort, String cursor, List<String> conditions, List<Object> parameters) {
        try {
            String[] parts = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8).split("\n", 2);
            Object value = sort == ModelQuery.Sort.NAME ? parts[1] : Long.valueOf(parts[1]);
            conditions.add("(%1$s %2$s ? or (%1$s = ? and id > ?))"
                    .formatted(sort.column, sort.direction.equals("asc") ? ">" : "<"));
            parameters.addAll(List.of(value, value, Long.valueOf(parts[0])));
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new IllegalArgumentException("\"%s\" is not a cursor of this list".formatted(cursor), e);
        }
    }

    private static String cursor(ModelQuery.Sort sort, Model last) {
        Object value = switch (sort) {
            case NAME -> last.name().toLowerCase(Locale.ROOT);
            case SIZE -> last.size();
            case MODIFIED -> nanos(FileTime.from(last.modified()));
        };
        byte[] text = "%d\n%s".formatted(last.id(), value).getBytes(StandardCharsets.UTF_8);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text);
    }

    private static Model model(ResultSet row) throws SQLException {
        long modified = row.getLong("modified");
        return new Model(
                row.getLong("id"),
                Path.of(row.getString("path")),
                row.getString("name"),
                row.getLong("size"),
                Instant.ofEpochSecond(modified / 1_000_000_000, modified % 1_000_000_000),
                ModelKind.valueOf(row.getString("kind")),
                architecture(row.getString("architecture")),
                row.getString("label"),
                row.getString("dtypes"),
                row.getString("components"),
                row.getInt("tensors"),
                Optional.ofNullable(row.getString("problem")),
                Optional.ofNullable(row.getString("auto_v1")),
                Optional.ofNullable(row.getString("sha256")),
                Optional.ofNullable(row.getString("data_sha256")));
    }

    /** The catalog may have been written by a version that knew other architectures. */
    private static Architecture architecture(String name) {
        return Arrays.stream(Architecture.values())
                .filter(architecture -> architecture.name().equals(name))
                .findFirst()
                .orElse(Architecture.UNKNOWN);
    }

    private static long nanos(FileTime time) {
        return time.to(TimeUnit.NANOSECONDS);
    }

    private static String identity(FileStamp file) {
        return file.identity() == null ? "" : file.identity().toString();
    }
}
