package dev.atelier.engine.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.onnx.OnnxGraph.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * A checkpoint's tensors for ONNX Runtime. Where the file holds them as they are wanted they are read from the mapped file,
 * without a copy; anything else is converted into native memory once, as are convolutions that {@link Winograd} computes.
 * Nothing goes through the Java heap.
 */
final class NativeWeights implements AutoCloseable {
    private static final long CACHE_LINE = 64;

    private final Arena arena = Arena.ofShared();
    private final Map<Weight, MemorySegment> own = new ConcurrentHashMap<>(); // those that are no part of a file
    private final Map<Weight, MemorySegment> placed = new HashMap<>();
    private final Map<String, OnnxTensor> tensors = new HashMap<>();

    /** {@code progress} counts bytes of memory. */
    void load(Checkpoint checkpoint, Collection<Weight> weights, Progress progress) throws OrtException {
        long total = weights.stream().mapToLong(Weight::byteSize).sum();
        LongAdder done = new LongAdder();
        Map<Weight, MemorySegment> read = new ConcurrentHashMap<>();
        weights.parallelStream().forEach(weight -> {
            read.put(weight, elements(checkpoint.tensor(weight.tensor()), weight));
            done.add(weight.byteSize());
            synchronized (progress) {
                progress.update(done.sum(), total);
            }
        });
        for (Map.Entry<Weight, MemorySegment> entry : read.entrySet()) {
            place(entry.getKey(), entry.getValue());
        }
    }

    /**
     * Takes the weights of another checkpoint in place of those there are. What is no part of a file is overwritten where it
     * is.
     *
     * @return whether everything still lies where it did, so that sessions may go on
     */
    boolean become(Checkpoint checkpoint, Collection<Weight> weights) throws OrtException {
        Map<Weight, MemorySegment> before = Map.copyOf(placed);
        load(checkpoint, weights, Progress.NONE);
        placed.keySet().retainAll(weights);
        return placed.equals(before);
    }

    private void place(Weight weight, MemorySegment elements) throws OrtException {
        MemorySegment before = placed.put(weight, elements);
        if (before != null && before.address() == elements.address()) {
            return;
        }
        OnnxTensor placing = OnnxTensor.createTensor(
                Environment.ORT,
                elements.asByteBuffer().order(ByteOrder.nativeOrder()),
                weight.shape().sizes(),
                OnnxJavaType.valueOf(weight.type().name()));
        OnnxTensor replaced = tensors.put(weight.name(), placing);
        if (replaced != null) {
            replaced.close();
        }
    }

    private MemorySegment elements(Tensor stored, Weight weight) {
        Optional<Winograd> winograd = Winograd.of(weight.form());
        if (winograd.isPresent()) {
            MemorySegment points = own(weight);
            winograd.get().write(stored, points);
            return points;
        }
        return own.containsKey(weight)
                ? converted(stored, weight)
                : stored.mapped()
                        .filter(_ -> stored.dtype() == weight.type().dtype())
                        .filter(bytes -> bytes.address() % weight.type().dtype().bytes(1) == 0)
                        .map(bytes -> read(bytes.asSlice(weight.offset(), weight.byteSize())))
                        .orElseGet(() -> converted(stored, weight));
    }

    private MemorySegment own(Weight weight) {
        return own.computeIfAbsent(weight, key -> arena.allocate(key.byteSize(), CACHE_LINE));
    }

    /** Has the system read mapped memory from the disk now, in order, and not page by page while the networks run. */
    private static MemorySegment read(MemorySegment mapped) {
        mapped.load();
        return mapped;
    }

    private MemorySegment converted(Tensor stored, Weight weight) {
        MemorySegment elements = own(weight);
        stored.to(weight.type().dtype()).read(weight.offset(), elements);
        return elements;
    }

    OnnxTensor get(String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    @Override
    public void close() {
        tensors.values().forEach(OnnxTensor::close);
        arena.close();
    }
}
