package dev.atelier.catalog;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Recognition;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the directory of a file tells; no weights are read.
 *
 * @param label architecture and variant for people
 * @param weights bytes of all tensors: equal in files that differ in their metadata only
 * @param words to be searched: the label and the metadata
 */
record Inspection(
        Architecture architecture,
        String label,
        String dtypes,
        String components,
        int tensors,
        long weights,
        String words,
        @Nullable String problem,
        @Nullable String autoV1) {
    /** Raise it when files are recognised better than before: then all of them are looked at again. */
    static final int VERSION = 1;

    /** Training tools write megabytes of captions into the metadata, which nobody searches for a model. */
    private static final int LONGEST_VALUE = 500;

    private static final int MOST_WORDS = 8_000;

    /** Never fails: what cannot be opened has a problem. */
    static Inspection of(Path path) {
        String autoV1 = null;
        try {
            if (Files.isRegularFile(path)) {
                autoV1 = FileHashes.autoV1(path);
            }
            Checkpoint checkpoint = Layout.normalize(Checkpoints.open(path));
            Recognition recognition = Recognition.of(checkpoint);
            return new Inspection(
                    recognition.architecture(),
                    recognition.label(),
                    dtypes(checkpoint),
                    components(checkpoint),
                    checkpoint.tensors().size(),
                    checkpoint.byteSize(),
                    words(recognition.label(), checkpoint),
                    null,
                    autoV1);
        } catch (InvalidCheckpointException e) {
            return broken(e.problem(), autoV1);
        } catch (UncheckedIOException e) {
            return broken("it cannot be read: " + e.getCause(), autoV1);
        }
    }

    private static Inspection broken(String problem, @Nullable String autoV1) {
        return new Inspection(Architecture.UNKNOWN, Architecture.UNKNOWN.label(), "", "", 0, 0, "", problem, autoV1);
    }

    private static String dtypes(Checkpoint checkpoint) {
        return checkpoint.tensors().values().stream()
                .collect(Collectors.groupingBy(tensor -> tensor.dtype().name(), Collectors.counting()))
                .entrySet()
                .stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .map(Map.Entry::getKey)
                .collect(Collectors.joining(", "));
    }

    private static String components(Checkpoint checkpoint) {
        return checkpoint.tensors().keySet().stream()
                .map(Component::of)
                .distinct()
                .sorted()
                .map(Component::label)
                .collect(Collectors.joining(", "));
    }

    private static String words(String label, Checkpoint checkpoint) {
        StringBuilder words = new StringBuilder(label).append(' ');
        for (String value : checkpoint.metadata().values()) {
            if (value.length() <= LONGEST_VALUE && words.length() + value.length() < MOST_WORDS) {
                words.append(value).append(' ');
            }
        }
        return words.toString().strip();
    }
}
