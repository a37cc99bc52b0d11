package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_ARCHIVE;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_PICKLE;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.TOO_MANY_TENSORS;
import static dev.atelier.checkpoint.InvalidCheckpointException.shortened;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.PickleValue.Dict;
import dev.atelier.checkpoint.PickleValue.Storage;
import dev.atelier.checkpoint.PickleValue.Strided;
import dev.atelier.checkpoint.PickleValue.Text;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Turns the object that a PyTorch file's pickle describes into a checkpoint, whatever container it came in. */
final class TorchState {
    /** Views may repeat elements (stride 0), but weights do not: no honest file unfolds to many times its size. */
    private static final long MAX_UNFOLDING = 16;

    private static final String EMBEDDING = "string_to_param";

    /** Where a file may keep its state dict: PyTorch Lightning, and BasicSR with and without moving average. */
    private static final List<String> STATES = List.of("state_dict", "params_ema", "params");

    private final MappedFile file;
    private final Function<String, Optional<MemorySegment>> storages;
    private long unfolded;

    /** @param storages the bytes of a storage by its key */
    TorchState(MappedFile file, Function<String, Optional<MemorySegment>> storages) {
        this.file = file;
        this.storages = storages;
    }

    /** The tensors of the state dict, which may lie at the root or below it. */
    Checkpoint checkpoint(PickleValue object) {
        if (object instanceof Strided bare) { // an embedding whose word is the file's name
            return Checkpoint.of(List.of(file.path()), Map.of("*", tensor("*", bare)), Map.of());
        }
        if (!(object instanceof Dict root)) {
            throw invalid(BAD_PICKLE, "it holds something other than a dict of tensors");
        }
        if (root.get(EMBEDDING).orElse(null) instanceof Dict vectors) {
            return embedding(root, vectors);
        }
        Map<String, Tensor> hypernetwork = hypernetwork(root);
        if (!hypernetwork.isEmpty()) {
            return Checkpoint.of(
                    List.of(file.path()), hypernetwork, metadata(root, "name", "activation_func", "activate_output"));
        }
        Dict state = STATES.stream()
                .flatMap(key -> root.get(key).stream())
                .filter(Dict.class::isInstance)
                .map(Dict.class::cast)
                .findFirst()
                .orElse(root);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (int i = 0; i < state.keys.size(); i++) {
            if (state.keys.get(i) instanceof Text(String name) && state.values.get(i) instanceof Strided strided) {
                SafetensorsReader.requireName(file.path(), name);
                tensors.put(name, tensor(name, strided));
                if (tensors.size() > SafetensorsReader.MAX_TENSORS) {
                    throw invalid(
                            TOO_MANY_TENSORS, "it holds more than %d tensors".formatted(SafetensorsReader.MAX_TENSORS));
                }
            }
        }
        if (tensors.isEmpty()) {
            throw invalid(BAD_PICKLE, "it holds no tensors");
        }
        return Checkpoint.of(List.of(file.path()), tensors, Map.of());
    }

    /** A textual inversion of AUTOMATIC1111: the vectors under {@code string_to_param}, and where they came from. */
    private Checkpoint embedding(Dict root, Dict vectors) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (int i = 0; i < vectors.keys.size(); i++) {
            if (vectors.keys.get(i) instanceof Text(String word) && vectors.values.get(i) instanceof Strided strided) {
                String name = EMBEDDING + "." + word;
                SafetensorsReader.requireName(file.path(), name);
                tensors.put(name, tensor(name, strided));
            }
        }
        if (tensors.isEmpty()) {
            throw invalid(BAD_PICKLE, "it holds no tensors");
        }
        return Checkpoint.of(
                List.of(file.path()), tensors, metadata(root, "name", "step", "sd_checkpoint", "sd_checkpoint_name"));
    }

    private static Map<String, String> metadata(Dict root, String... keys) {
        Map<String, String> metadata = new LinkedHashMap<>();
        for (String key : keys) {
            switch (root.get(key).orElse(PickleValue.None.NONE)) {
                case Text(String text) -> metadata.put(key, text);
                case PickleValue.Int(long number) -> metadata.put(key, Long.toString(number));
                case PickleValue.Flag(boolean flag) -> metadata.put(key, Boolean.toString(flag));
                default -> {} // absent, or None
            }
        }
        return metadata;
    }

    /**
     * A hypernetwork of AUTOMATIC1111, under each width of what it changes a pair of networks, for keys and for values:
     * {@code 768.k.linear.0.weight}. Empty if this is none.
     */
    private Map<String, Tensor> hypernetwork(Dict root) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (int i = 0; i < root.keys.size(); i++) {
            if (root.keys.get(i) instanceof PickleValue.Int(long width)
                    && root.values.get(i) instanceof PickleValue.Sequence pair
                    && pair.items.size() == 2) {
                addNetwork(width + ".k.", pair.items.getFirst(), tensors);
                addNetwork(width + ".v.", pair.items.getLast(), tensors);
            }
        }
        return tensors;
    }

    private void addNetwork(String prefix, PickleValue network, Map<String, Tensor> tensors) {
        if (network instanceof Dict state) {
            for (int i = 0; i < state.keys.size(); i++) {
                if (state.keys.get(i) instanceof Text(String key) && state.values.get(i) instanceof Strided strided) {
                    // the first ones had two layers, counted from 1
                    String name = prefix + key.replace("linear1.", "linear.0.").replace("linear2.", "linear.1.");
                    SafetensorsReader.requireName(file.path(), name);
                    tensors.put(name, tensor(name, strided));
                }
            }
        }
    }

    private Tensor tensor(String name, Strided strided) {
        Storage storage = strided.storage();
        MemorySegment bytes = storages.apply(storage.key())
                .orElseThrow(() -> invalid(
                        BAD_ARCHIVE,
                        "tensor \"%s\" lies in the storage %s, which is missing"
                                .formatted(name, shortened(storage.key()))));
        try {
            if (storage.dtype().bytes(storage.elements()) != bytes.byteSize()) {
                throw invalid(
                        BAD_ARCHIVE,
                        "the storage %s of tensor \"%s\" has %d bytes where %d elements of %s are due"
                                .formatted(
                                        shortened(storage.key()),
                                        name,
                                        bytes.byteSize(),
                                        storage.elements(),
                                        storage.dtype()));
            }
            checkBounds(name, strided, bytes.byteSize() * 8 / strided.dtype().bits());
            Tensor tensor = StridedTensor.of(
                    strided.dtype(), Shape.of(strided.sizes()), bytes, strided.offset(), strided.strides());
            unfolded = Math.addExact(unfolded, tensor.byteSize());
            if (unfolded / MAX_UNFOLDING > file.size()) {
                throw invalid(
                        BAD_PICKLE,
                        "its tensors unfold to more than %d times the file's size, at \"%s\""
                                .formatted(MAX_UNFOLDING, name));
            }
            return tensor;
        } catch (ArithmeticException e) {
            throw new InvalidCheckpointException(
                    file.path(), BAD_PICKLE, "the size of tensor \"%s\" overflows".formatted(name), e);
        }
    }

    private void checkBounds(String name, Strided strided, long available) {
        long[] sizes = strided.sizes();
        long[] strides = strided.strides();
        if (sizes.length != strides.length || sizes.length > SafetensorsReader.MAX_RANK) {
            throw invalid(
                    BAD_PICKLE,
                    "tensor \"%s\" has %d sizes and %d strides".formatted(name, sizes.length, strides.length));
        }
        long last = strided.offset();
        boolean empty = false;
        boolean negative = last < 0;
        for (int axis = 0; axis < sizes.length; axis++) {
            negative |= sizes[axis] < 0 || strides[axis] < 0;
            empty |= sizes[axis] == 0;
            last = Math.addExact(last, Math.multiplyExact(Math.max(0, sizes[axis] - 1), strides[axis]));
        }
        if (negative || (!empty && last >= available)) {
            throw invalid(
                    BAD_PICKLE, "tensor \"%s\" reaches outside its storage of %d elements".formatted(name, available));
        }
    }

    private InvalidCheckpointException invalid(Reason reason, String problem) {
        return new InvalidCheckpointException(file.path(), reason, problem);
    }
}
