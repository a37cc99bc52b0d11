package dev.atelier.engine.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A checkpoint's tensors for ONNX Runtime, in fp32. Where the file holds fp32 they are read from the mapped file,
 * without a copy; anything else is converted into native memory once. Nothing goes through the Java heap.
 */
final class NativeWeights implements AutoCloseable {
    private static final long CACHE_LINE = 64;

    private final Arena arena = Arena.ofShared();
    private final Map<String, OnnxTensor> loaded = new HashMap<>();

    void load(String name, Tensor stored) throws OrtException {
        MemorySegment elements = stored.mapped()
                .filter(bytes -> stored.dtype() == DType.F32 && bytes.address() % Float.BYTES == 0)
                .map(NativeWeights::read)
                .orElseGet(() -> converted(stored));
        loaded.put(
                name,
                OnnxTensor.createTensor(
                        Environment.ORT,
                        elements.asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer(),
                        stored.shape().sizes()));
    }

    /** Has the system read mapped memory from the disk now, in order, and not page by page while the networks run. */
    private static MemorySegment read(MemorySegment mapped) {
        mapped.load();
        return mapped;
    }

    private MemorySegment converted(Tensor stored) {
        Tensor fp32 = stored.to(DType.F32);
        MemorySegment elements = arena.allocate(fp32.byteSize(), CACHE_LINE);
        fp32.read(0, elements);
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
