package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_ARCHIVE;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads what {@code torch.save} has written since PyTorch 1.6: a zip file in which {@code data.pkl} describes an object
 * and {@code data/N} hold the bytes of its tensors. Tensors stay where they are, in the mapped file.
 */
final class TorchZipReader {
    private final MappedFile file;
    private final ZipRecords zip;

    private TorchZipReader(MappedFile file) {
        this.file = file;
        this.zip = ZipRecords.open(file);
    }

    static Checkpoint read(MappedFile file) {
        return new TorchZipReader(file).read();
    }

    /** The object that the file holds, as data. */
    static PickleValue object(MappedFile file) {
        return new TorchZipReader(file).object();
    }

    private Checkpoint read() {
        Checkpoint checkpoint = new TorchState(file, key -> zip.find("data/" + key)).checkpoint(object());
        Map<String, String> metadata = new LinkedHashMap<>(checkpoint.metadata());
        metadata.putAll(ZipComment.read(zip.comment()));
        return checkpoint.withMetadata(metadata);
    }

    private PickleValue object() {
        if (zip.find("byteorder").filter(record -> !isText(record, "little")).isPresent()) {
            throw invalid(BAD_ARCHIVE, "its byteorder is not \"little\": big-endian files are not supported");
        }
        MemorySegment pickle = zip.find("data.pkl")
                .orElseThrow(() -> invalid(BAD_ARCHIVE, "it is a zip file without data.pkl, not a PyTorch checkpoint"));
        return PickleMachine.read(file.path(), pickle).value();
    }

    private static boolean isText(MemorySegment record, String text) {
        return record.mismatch(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII))) == -1;
    }

    private InvalidCheckpointException invalid(Reason reason, String problem) {
        return new InvalidCheckpointException(file.path(), reason, problem);
    }
}
