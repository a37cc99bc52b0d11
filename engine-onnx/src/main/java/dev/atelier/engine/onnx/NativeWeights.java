package dev.atelier.engine.onnx;

import static java.util.stream.Collectors.toSet;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.onnx.OnnxGraph.ElementType;
import dev.atelier.engine.onnx.OnnxGraph.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Collection;
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
    private final Map<Place, MemorySegment> own = new ConcurrentHashMap<>(); // those that are no part of a file
    private final Map<Place, MemorySegment> placed = new ConcurrentHashMap<>();

    /** Where a weight lies, whatever the shape in which it is taken. */
    private record Place(String name, ElementType type) {
        static Place of(Weight weight) {
            String name = switch (weight.form()) {
                case STORED, PER_CHANNEL, MATRIX -> weight.tensor();
                case PART, WINOGRAD, WINOGRAD_NARROW -> weight.name();
            };
            return new Place(name, weight.type());
        }
    }

    /** {@code progress} counts bytes of memory. */
    void load(Checkpoint checkpoint, Collection<Weight> weights, Progress progress) {
        long total = weights.stream().mapToLong(Weight::byteSize).sum();
        LongAdder done = new LongAdder();
        weights.parallelStream().forEach(weight -> {
            placed.put(Place.of(weight), elements(checkpoint.tensor(weight.tensor()), weight));
            done.add(weight.byteSize());
            synchronized (progress) {
                progress.update(done.sum(), total);
            }
        });
    }

    /**
     * Takes the weights of another checkpoint in place of those there are. What is no part of a file is overwritten where it
     * is.
     *
     * @return whether everything still lies where it did, so that sessions may go on
     */
    boolean become(Checkpoint checkpoint, Collection<Weight> weights) {
        Map<Place, MemorySegment> before = Map.copyOf(placed);
        load(checkpoint, weights, Progress.NONE);
        placed.keySet().retainAll(weights.stream().map(Place::of).collect(toSet()));
        return placed.equals(before);
    }

    private MemorySegment elements(Tensor stored, Weight weight) {
        Optional<Winograd> winograd = Winograd.of(weight.form());
        if (winograd.isPresent()) {
            MemorySegment points = own(weight);
            winograd.get().write(stored, points);
            return points;
        }
        return own.containsKey(Place.of(weight))
                ? converted(stored, weight)
                : stored.mapped()
                        .filter(_ -> stored.dtype() == weight.type().dtype())
                        .filter(bytes -> bytes.address() % weight.type().dtype().bytes(1) == 0)
                        .map(bytes -> read(bytes.asSlice(weight.offset(), weight.byteSize())))
                        .orElseGet(() -> converted(stored, weight));
    }

    private MemorySegment own(Weight weight) {
        return own.computeIfAbsent(Place.of(weight), _ -> arena.allocate(weight.byteSize(), CACHE_LINE));
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

    /** A weight where it lies, for the caller to close. */
    OnnxTensor tensor(Weight weight) throws OrtException {
        MemorySegment elements = Objects.requireNonNull(placed.get(Place.of(weight)), weight.name());
        return OnnxTensor.createTensor(
                Environment.ORT,
                elements.asByteBuffer().order(ByteOrder.nativeOrder()),
                weight.shape().sizes(),
                OnnxJavaType.valueOf(weight.type().name()));
    }

    @Override
    public void close() {
        arena.close();
    }
}
