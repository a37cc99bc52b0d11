package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.Weights;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A checkpoint's tensors for libtorch, in fp32 unless another place wants them otherwise. Where the file holds fp32 they are read from the mapped file, without a
 * copy; anything else is converted into native memory once. Nothing goes through the Java heap.
 */
final class TorchWeights implements Weights<Tensor>, AutoCloseable {
    private final Checkpoint checkpoint; // keeps the mapping alive that the views point into
    private final Map<String, Tensor> loaded = new HashMap<>();

    private TorchWeights(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /** Loads the tensors whose name passes {@code used}, in fp32. Must not be called within a pointer scope. */
    static TorchWeights load(Checkpoint checkpoint, Predicate<String> used, Progress progress) {
        return load(checkpoint, used, UnaryOperator.identity(), progress);
    }

    /** As {@link #load(Checkpoint, Predicate, Progress)}; {@code placed} gives what stands for each, and owns the fp32 one. */
    static TorchWeights load(
            Checkpoint checkpoint, Predicate<String> used, UnaryOperator<Tensor> placed, Progress progress) {
        TorchWeights weights = new TorchWeights(checkpoint);
        List<String> names = checkpoint.tensors().keySet().stream().filter(used).toList();
        long total = names.stream().mapToLong(name -> size(checkpoint, name)).sum();
        long done = 0;
        for (String name : names) {
            progress.update(done, total);
            weights.loaded.put(name, placed.apply(load(checkpoint.tensor(name))));
            done += size(checkpoint, name);
        }
        progress.update(done, total);
        return weights;
    }

    private static long size(Checkpoint checkpoint, String name) {
        return checkpoint.tensor(name).shape().elements() * Float.BYTES;
    }

    private static Tensor load(dev.atelier.checkpoint.Tensor stored) {
        long[] shape = stored.shape().sizes();
        return stored.mapped()
                .filter(bytes -> stored.dtype() == DType.F32 && bytes.address() % Float.BYTES == 0)
                .map(bytes -> {
                    bytes.load(); // from the disk now, in order, and not page by page while the networks run
                    return Tensors.view(bytes, shape);
                })
                .orElseGet(() -> {
                    Tensor converted = torch.empty(shape);
                    MemorySegment memory = Tensors.memory(converted);
                    stored.to(DType.F32).read(0, memory);
                    return converted;
                });
    }

    @Override
    public Tensor get(String name) {
        Tensor tensor = loaded.get(name);
        if (tensor == null) {
            throw new IllegalStateException("the tensor \"%s\" was not loaded".formatted(name));
        }
        return tensor;
    }

    boolean contains(String name) {
        return loaded.containsKey(name);
    }

    @Override
    public Shape shape(String name, int rank) {
        return checkpoint.tensor(name).shape();
    }

    @Override
    public void close() {
        loaded.values().forEach(Tensor::close);
        loaded.clear();
    }
}
