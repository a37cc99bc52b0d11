package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_PICKLE;

import dev.atelier.checkpoint.PickleMachine.Pickle;
import dev.atelier.checkpoint.PickleValue.Dict;
import dev.atelier.checkpoint.PickleValue.Flag;
import dev.atelier.checkpoint.PickleValue.Int;
import dev.atelier.checkpoint.PickleValue.Sequence;
import dev.atelier.checkpoint.PickleValue.Storage;
import dev.atelier.checkpoint.PickleValue.Text;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reads what {@code torch.save} wrote before PyTorch 1.6, and writes still when asked to.
 *
 * <pre>
 * File    --> Magic, Protocol, System, Object, Keys, Storage*
 * Magic   --> the pickle of 0x1950a86a20f9469cfc6c
 * Protocol, System, Object, Keys --> pickles of 1001, of the machine's properties, of the object, of a list of keys
 * Storage --> i64, little-endian: number of elements; then the elements, without padding, in the order of the keys
 * </pre>
 */
final class TorchLegacyReader {
    private static final byte[] MAGIC = {
        (byte) 0x80,
        0x02,
        (byte) 0x8A,
        0x0A,
        0x6C,
        (byte) 0xFC,
        (byte) 0x9C,
        0x46,
        (byte) 0xF9,
        0x20,
        0x6A,
        (byte) 0xA8,
        0x50,
        0x19,
        '.'
    };
    private static final long PROTOCOL = 1001;

    private final MappedFile file;
    private long position = MAGIC.length;

    private TorchLegacyReader(MappedFile file) {
        this.file = file;
    }

    static boolean looksLike(MappedFile file) {
        return file.size() >= MAGIC.length
                && file.bytes().asSlice(0, MAGIC.length).mismatch(MemorySegment.ofArray(MAGIC)) == -1;
    }

    static Checkpoint read(MappedFile file) {
        return new TorchLegacyReader(file).read();
    }

    private Checkpoint read() {
        if (!looksLike(file)) {
            throw invalid("it does not begin as torch.save began its files before version 1.6");
        }
        if (!(next().value() instanceof Int(long protocol)) || protocol != PROTOCOL) {
            throw invalid("its protocol is not %d".formatted(PROTOCOL));
        }
        if (!(next().value() instanceof Dict system)
                || !(system.get("little_endian").orElse(null) instanceof Flag(boolean little))
                || !little) {
            throw invalid("it does not say that it is little-endian");
        }
        Pickle object = next();
        if (!(next().value() instanceof Sequence keys)) {
            throw invalid("its list of storages is missing");
        }
        Map<String, MemorySegment> storages = new HashMap<>();
        for (PickleValue key : keys.items) {
            if (!(key instanceof Text(String name)) || !object.storages().containsKey(name)) {
                throw invalid("it lists a storage that no tensor uses");
            }
            storages.put(name, storage(object.storages().get(name)));
        }
        if (position != file.size()) {
            throw invalid("%d bytes follow its last storage".formatted(file.size() - position));
        }
        return new TorchState(file, key -> Optional.ofNullable(storages.get(key))).checkpoint(object.value());
    }

    private Pickle next() {
        long limit = Math.min(PickleMachine.MAX_BYTES, file.size() - position);
        Pickle pickle = PickleMachine.read(file.path(), file.bytes().asSlice(position, limit));
        position += pickle.length();
        return pickle;
    }

    private MemorySegment storage(Storage storage) {
        if (file.size() - position < Long.BYTES || file.u64(position) != storage.elements()) {
            throw invalid("byte %d should say that a storage has %d elements; the file is truncated or damaged"
                    .formatted(position, storage.elements()));
        }
        position += Long.BYTES;
        long width = storage.dtype().bits() / 8;
        if (storage.elements() < 0 || storage.elements() > (file.size() - position) / width) {
            throw invalid("a storage of %d elements reaches beyond the end; the file is truncated"
                    .formatted(storage.elements()));
        }
        MemorySegment bytes = file.bytes().asSlice(position, storage.elements() * width);
        position += bytes.byteSize();
        return bytes;
    }

    private InvalidCheckpointException invalid(String problem) {
        return new InvalidCheckpointException(file.path(), BAD_PICKLE, problem);
    }
}
