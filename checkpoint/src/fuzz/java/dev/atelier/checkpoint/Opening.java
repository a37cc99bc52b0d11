package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.function.Function;

/** What every reader promises of any bytes: they open, or are refused by the one documented exception. */
final class Opening {
    private Opening() {}

    static void of(byte[] bytes, Function<MappedFile, Checkpoint> reader) {
        try {
            Checkpoint checkpoint = reader.apply(new MappedFile(Path.of("fuzzed"), MemorySegment.ofArray(bytes)));
            // what opens can be recognised and read
            Recognition.of(Layout.normalize(checkpoint));
            checkpoint.tensors().values().stream()
                    .filter(tensor -> tensor.byteSize() > 0 && tensor.byteSize() < 1 << 16)
                    .limit(8)
                    .forEach(tensor -> tensor.read(0, MemorySegment.ofArray(new byte[(int) tensor.byteSize()])));
        } catch (InvalidCheckpointException _) {
            // refused
        }
    }
}
