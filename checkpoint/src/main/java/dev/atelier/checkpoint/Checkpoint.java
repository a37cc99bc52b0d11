package dev.atelier.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A checkpoint: an ordered map from tensor name to lazy tensor, with string metadata. A file is one, and so is every
 * operation on checkpoints. A value: immutable, cheap to make, computing nothing until a sink reads it.
 *
 * <p>Tensors of an opened file are mapped, not loaded. The mapping lives as long as something refers to it, so there is
 * nothing to close and no view can outlive its file.
 */
public final class Checkpoint {
    private final List<Path> sources;
    private final SequencedMap<String, Tensor> tensors;
    private final SequencedMap<String, String> metadata;

    private Checkpoint(List<Path> sources, Map<String, Tensor> tensors, Map<String, String> metadata) {
        this.sources = List.copyOf(sources);
        this.tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
        this.metadata = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(metadata));
    }

    /** A checkpoint with these tensors, in the map's order. {@code sources} are the files that its tensors read from. */
    public static Checkpoint of(List<Path> sources, Map<String, Tensor> tensors, Map<String, String> metadata) {
        return new Checkpoint(sources, tensors, metadata);
    }

    /** The tensors by name, in the order of the file. */
    public SequencedMap<String, Tensor> tensors() {
        return tensors;
    }

    /** Free-form string metadata, as a safetensors header carries it. */
    public SequencedMap<String, String> metadata() {
        return metadata;
    }

    /** The files that the tensors read from. */
    public List<Path> sources() {
        return sources;
    }

    /** The file to name in a message about this checkpoint. */
    public Path name() {
        return sources.isEmpty() ? Path.of("(in memory)") : sources.getFirst();
    }

    public boolean has(String tensor) {
        return tensors.containsKey(tensor);
    }

    public Optional<Tensor> find(String tensor) {
        return Optional.ofNullable(tensors.get(tensor));
    }

    /** @throws InvalidCheckpointException naming the file and the tensor, if there is none of that name */
    public Tensor tensor(String tensor) {
        return find(tensor)
                .orElseThrow(() -> new InvalidCheckpointException(
                        name(),
                        InvalidCheckpointException.Reason.MISSING_TENSOR,
                        "the tensor \"%s\" is missing".formatted(tensor)));
    }

    /** This checkpoint with each tensor replaced by what {@code change} makes of its name and value. */
    public Checkpoint map(BiFunction<String, Tensor, Tensor> change) {
        SequencedMap<String, Tensor> changed = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> changed.put(name, change.apply(name, tensor)));
        return new Checkpoint(sources, changed, metadata);
    }

    /** Only the tensors whose name passes. */
    public Checkpoint filter(Predicate<String> keep) {
        SequencedMap<String, Tensor> kept = new LinkedHashMap<>(tensors);
        kept.keySet().removeIf(name -> !keep.test(name));
        return new Checkpoint(sources, kept, metadata);
    }

    /** This checkpoint with other metadata. */
    public Checkpoint withMetadata(Map<String, String> replacement) {
        return new Checkpoint(sources, tensors, replacement);
    }

    /** This checkpoint, also depending on the files of {@code others}: what an operation on several returns. */
    public Checkpoint withSourcesOf(Checkpoint... others) {
        LinkedHashSet<Path> all = new LinkedHashSet<>(sources);
        for (Checkpoint other : others) {
            all.addAll(other.sources);
        }
        return new Checkpoint(new ArrayList<>(all), tensors, metadata);
    }

    /**
     * Every floating tensor converted to {@code dtype}. Integers such as {@code position_ids} stay as they are, and so do
     * the tables of the noise schedule: sampling from rounded ones gives other pictures. An 8-bit type is for what is large and
     * bears it, matrices and convolutions outside the VAE; the rest becomes fp16.
     *
     * @see Narrowing#cast which counts what is lost
     */
    public Checkpoint cast(DType dtype) {
        return map(
                (name, tensor) -> castType(name, tensor, dtype).map(tensor::to).orElse(tensor));
    }

    /** The type that a tensor gets when its checkpoint is cast to {@code dtype}; nothing, if it keeps its own. */
    static Optional<DType> castType(String name, Tensor tensor, DType dtype) {
        if (!tensor.dtype().isFloating() || ScheduleBuffers.contains(name)) {
            return Optional.empty();
        }
        boolean bears = tensor.shape().rank() >= 2 && Component.of(name) != Component.VAE;
        return Optional.of(dtype.bits() == 8 && !bears ? DType.F16 : dtype);
    }

    /** The size of all tensors together. */
    public long byteSize() {
        return tensors.values().stream().mapToLong(Tensor::byteSize).sum();
    }

    /**
     * Writes this checkpoint, streaming: memory stays constant whatever the size. The file appears under its name only
     * when it is complete and on disk; on failure or cancellation nothing is left behind.
     *
     * @param target a file that ends in .ckpt or .pt is written as {@code torch.save} does, any other as safetensors.
     *     The former keeps 64 KB of metadata, which other programs do not see
     * @throws UncheckedIOException if writing fails
     * @throws IllegalArgumentException if {@code target} is one of the files this checkpoint reads from, or a tensor is
     *     of a type that the format does not know
     */
    public void writeTo(Path target, Progress progress) {
        writeTo(target, () -> metadata, progress);
    }

    /**
     * The same with metadata that takes as much room as this checkpoint's, but is known only when all else is written: hashes of
     * files that are read meanwhile.
     *
     * @return false if it takes other room after all; nothing is written then
     */
    public boolean writeTo(Path target, Supplier<? extends Map<String, String>> lastMetadata, Progress progress) {
        requireNoInput(target);
        if (isTorch(target)) {
            TorchZipWriter.write(this, target, lastMetadata, progress);
            return true;
        }
        return SafetensorsWriter.write(this, target, lastMetadata, progress);
    }

    /**
     * As {@link #writeTo(Path, Progress)}, hashing the bytes on their way to the disk.
     *
     * @return the SHA-256 of the file, 64 lower-case hex digits; empty if it is not a safetensors file
     */
    public Optional<String> writeHashed(Path target, Progress progress) {
        requireNoInput(target);
        if (isTorch(target)) {
            TorchZipWriter.write(this, target, () -> metadata, progress);
            return Optional.empty();
        }
        return Optional.of(SafetensorsWriter.writeHashed(this, target, progress));
    }

    private static boolean isTorch(Path target) {
        return target.toString().endsWith(".ckpt") || target.toString().endsWith(".pt");
    }

    private void requireNoInput(Path target) {
        for (Path source : sources) {
            try {
                if (Files.exists(target) && Files.exists(source) && Files.isSameFile(source, target)) {
                    throw new IllegalArgumentException(target + " is one of the inputs; choose another output file");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Override
    public String toString() {
        return "Checkpoint[%s, %d tensors]".formatted(name(), tensors.size());
    }
}
