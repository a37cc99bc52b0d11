package dev.atelier.catalog;

import java.nio.file.Path;
import java.util.List;

/**
 * What a scan has found.
 *
 * @param moved files whose path is new but that are known by their identity; their hashes are kept
 * @param broken among the added and changed, those that cannot be used
 * @param unreadable folders that could not be read; what was known below them is kept
 */
public record ScanReport(
        int added, int changed, int moved, int removed, int unchanged, int broken, List<Path> unreadable) {
    /** Whether anything is other than before. */
    public boolean changedAnything() {
        return added + changed + moved + removed > 0;
    }

    public int models() {
        return added + changed + moved + unchanged;
    }
}
