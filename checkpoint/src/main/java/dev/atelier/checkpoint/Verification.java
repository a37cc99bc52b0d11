package dev.atelier.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * What reading every byte of a checkpoint has shown. A file that cannot be opened has no tensors and one problem.
 *
 * @param bytes read of tensors
 * @param nonFinite the tensors with NaN or infinite elements
 * @param problems why the file is damaged, one sentence each; what is in {@code nonFinite} is not repeated
 */
public record Verification(
        Path file, int tensors, long bytes, SequencedMap<String, Count> nonFinite, List<String> problems) {

    /** Elements that are not finite. */
    public record Count(long nan, long infinite) {}

    /** What to make of a file. */
    public enum Verdict {
        /** Structure, checksums and numbers are in order. */
        SOUND,
        /** The file is intact but holds NaN or infinite weights. */
        NOT_FINITE,
        /** The file is not what was once written, or not a checkpoint. */
        DAMAGED
    }

    public Verdict verdict() {
        return !problems.isEmpty() ? Verdict.DAMAGED : !nonFinite.isEmpty() ? Verdict.NOT_FINITE : Verdict.SOUND;
    }

    /**
     * Reads everything: the structure, the checksums of zip records, and every element.
     *
     * @throws java.io.UncheckedIOException if the file cannot be read or changes meanwhile
     */
    public static Verification of(Path file, Progress progress) {
        Checkpoint checkpoint;
        try {
            checkpoint = Checkpoints.open(file);
        } catch (InvalidCheckpointException e) {
            return new Verification(file, 0, 0, new LinkedHashMap<>(), List.of(e.problem()));
        }
        List<FileStamp> stamps =
                checkpoint.sources().stream().map(FileStamp::of).toList();
        List<Tensor> tensors = List.copyOf(checkpoint.tensors().values());
        List<LongAdder> nan = adders(tensors.size());
        List<LongAdder> infinite = adders(tensors.size());
        Sweep.over(
                Sweep.ranges(tensors),
                () -> {
                    MemorySegment buffer = Arena.ofAuto().allocate(Sweep.MAX_LENGTH, 8);
                    NonFinite notFinite = new NonFinite();
                    return range -> {
                        Tensor tensor = tensors.get(range.tensor());
                        MemorySegment bytes = tensor.mapped()
                                .map(stored -> stored.asSlice(range.offset(), range.length()))
                                .orElseGet(() -> {
                                    MemorySegment read = buffer.asSlice(0, range.length());
                                    tensor.read(range.offset(), read);
                                    return read;
                                });
                        Count found = notFinite.count(tensor.dtype(), bytes);
                        nan.get(range.tensor()).add(found.nan);
                        infinite.get(range.tensor()).add(found.infinite);
                    };
                },
                progress);
        SequencedMap<String, Count> nonFinite = new LinkedHashMap<>();
        int index = 0;
        for (String name : checkpoint.tensors().keySet()) {
            Count count = new Count(nan.get(index).sum(), infinite.get(index).sum());
            if (count.nan + count.infinite > 0) {
                nonFinite.put(name, count);
            }
            index++;
        }
        List<String> problems = checkpoint.sources().stream()
                .map(MappedFile::open)
                .filter(ZipRecords::looksLike)
                .flatMap(zip -> ZipRecords.open(zip).damaged().stream())
                .map(Verification::damagedRecord)
                .toList();
        stamps.forEach(FileStamp::requireUnchanged);
        return new Verification(file, tensors.size(), checkpoint.byteSize(), nonFinite, problems);
    }

    private static String damagedRecord(String name) {
        return "the record \"%s\" does not match its checksum".formatted(InvalidCheckpointException.shortened(name));
    }

    private static List<LongAdder> adders(int count) {
        return Stream.generate(LongAdder::new).limit(count).toList();
    }
}
