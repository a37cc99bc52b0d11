package dev.atelier.engine.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.onnx.OnnxGraph.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * A checkpoint's tensors for ONNX Runtime, in fp32. Where the file holds fp32 they are read from the mapped file,
 * without a copy; anything else is converted into native memory once, as are convolutions that {@link Winograd} computes. Nothing goes through the Java heap.
 */
final class NativeWeights implements AutoCloseable {
    private static final long CACHE_LINE = 64;

    private final Arena arena = Arena.ofShared();
    private final Map<String, OnnxTensor> loaded = new HashMap<>();

    /** {@code progress} counts bytes of fp32. */
    void load(Checkpoint checkpoint, Collection<Weight> weights, Progress progress) throws OrtException {
        long total = weights.stream().mapToLong(Weight::byteSize).sum();
        LongAdder done = new LongAdder();
        Map<Weight, MemorySegment> elements = new ConcurrentHashMap<>();
        weights.parallelStream().forEach(weight -> {
            elements.put(weight, elements(checkpoint.tensor(weight.tensor()), weight));
            done.add(weight.byteSize());
            synchronized (progress) {
                progress.update(done.sum(), total);
            }
        });
        for (Map.Entry<Weight, MemorySegment> entry : elements.entrySet()) {
            FloatBuffer buffer = entry.getValue()
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder())
                    .asFloatBuffer();
            long[] shape = entry.getKey().shape().sizes();
            loaded.put(entry.getKey().name(), OnnxTensor.createTensor(Environment.ORT, buffer, shape));
        }
    }

    private MemorySegment elements(Tensor stored, Weight weight) {
        return switch (weight.form()) {
            case STORED, PART, PER_CHANNEL ->
                stored.mapped()
                        .filter(bytes -> stored.dtype() == DType.F32 && bytes.address() % Float.BYTES == 0)
                        .map(bytes -> read(bytes.asSlice(weight.offset(), weight.byteSize())))
                        .orElseGet(() -> converted(stored, weight));
            case WINOGRAD -> {
                MemorySegment points = arena.allocate(weight.byteSize(), CACHE_LINE);
                Winograd.write(stored, points);
                yield points;
            }
        };
    }

    /** Has the system read mapped memory from the disk now, in order, and not page by page while the networks run. */
    private static MemorySegment read(MemorySegment mapped) {
        mapped.load();
        return mapped;
    }

    private MemorySegment converted(Tensor stored, Weight weight) {
        MemorySegment elements = arena.allocate(weight.byteSize(), CACHE_LINE);
        stored.to(DType.F32).read(weight.offset(), elements);
        return elements;
    }

    OnnxTensor get(String name) {
        return Objects.requireNonNull(loaded.get(name), name);
    }

    @Override
    public void close() {
        loaded.values().forEach(OnnxTensor::close);
        arena.close();
    }
}
