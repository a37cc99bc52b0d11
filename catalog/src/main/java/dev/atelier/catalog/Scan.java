package dev.atelier.catalog;

import dev.atelier.catalog.ModelTable.Known;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.Progress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Brings the catalog up to date with one folder: only files that are new or have changed are opened. */
final class Scan {
    /** Files looked at in parallel and then recorded together: the list grows while a scan goes on. */
    private static final int BATCH = 256;

    private final Database database;
    private final ModelTable table;
    private final Path root;
    private int added;
    private int changed;
    private int moved;
    private int broken;

    Scan(Database database, ModelTable table, Path root) {
        this.database = database;
        this.table = table;
        this.root = root;
    }

    /** @param progress counts files */
    ScanReport run(Progress progress) {
        ModelFiles files = ModelFiles.below(root);
        Map<Path, Known> known = new HashMap<>();
        table.below(root).forEach(row -> known.put(row.path(), row));
        List<FileStamp> fresh = new ArrayList<>();
        Map<Path, Known> outdated = new HashMap<>();
        int total = files.models().size();
        for (FileStamp file : files.models()) {
            Known row = known.remove(file.path());
            if (row == null || !row.isStill(file)) {
                fresh.add(file);
                if (row != null) {
                    outdated.put(file.path(), row);
                }
            }
        }
        known.keySet().removeIf(path -> files.unreadable().stream().anyMatch(path::startsWith));
        List<FileStamp> unknown = moveWhatWasMoved(fresh, outdated, known);
        database.transaction(() -> known.values().forEach(row -> table.remove(row.id())));
        int done = total - unknown.size();
        progress.update(done, total);
        for (int from = 0; from < unknown.size(); from += BATCH) {
            List<FileStamp> batch = unknown.subList(from, Math.min(unknown.size(), from + BATCH));
            record(batch, outdated);
            done += batch.size();
            progress.update(done, total);
        }
        int unchanged = total - added - changed - moved;
        return new ScanReport(added, changed, moved, known.size(), unchanged, broken, files.unreadable());
    }

    /** Renames the rows of files whose path is gone and whose identity is found elsewhere; returns the other files. */
    private List<FileStamp> moveWhatWasMoved(List<FileStamp> fresh, Map<Path, Known> outdated, Map<Path, Known> gone) {
        Map<String, Known> byIdentity = new HashMap<>();
        gone.values().stream()
                .filter(row -> !row.identity().isEmpty())
                .forEach(row -> byIdentity.put(row.identity(), row));
        List<FileStamp> unknown = new ArrayList<>();
        database.transaction(() -> {
            for (FileStamp file : fresh) {
                Known row = file.identity() == null
                        ? null
                        : byIdentity.get(file.identity().toString());
                if (row != null && row.isStill(file) && !outdated.containsKey(file.path())) {
                    byIdentity.remove(row.identity());
                    gone.remove(row.path());
                    table.move(row.id(), file.path(), name(file));
                    moved++;
                } else {
                    unknown.add(file);
                }
            }
        });
        return unknown;
    }

    private void record(List<FileStamp> batch, Map<Path, Known> outdated) {
        List<Inspection> inspections =
                batch.parallelStream().map(file -> Inspection.of(file.path())).toList();
        database.transaction(() -> {
            for (int i = 0; i < batch.size(); i++) {
                table.put(name(batch.get(i)), batch.get(i), inspections.get(i));
            }
        });
        for (int i = 0; i < batch.size(); i++) {
            if (outdated.containsKey(batch.get(i).path())) {
                changed++;
            } else {
                added++;
            }
            if (inspections.get(i).problem() != null) {
                broken++;
            }
        }
    }

    private String name(FileStamp file) {
        return root.relativize(file.path()).toString().replace('\\', '/');
    }
}
