package dev.atelier.engine.torch;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The weights being trained, end to end in one tensor, with as long a tensor for their gradients. The networks see views
 * of it, and autograd adds into views of the other; so an optimiser, a norm or a moving average is a few operations on
 * long vectors, however many layers there are.
 */
final class Parameters implements AutoCloseable {
    /** Every weight starts on a cache line. */
    private static final long ALIGNMENT = 16;

    /** Elements updated at once: two temporaries of 4 MB instead of two as large as the model. */
    private static final long BLOCK = 1 << 20;

    private record Place(long offset, Shape shape, double factor) {}

    /** What is done with {@code length} elements of the vectors, from {@code offset} on. */
    interface Block {
        /** @param factor of the learning rate of these weights */
        void update(long offset, long length, double factor);
    }

    private final Map<String, Place> places = new LinkedHashMap<>();
    private final Map<String, Tensor> leaves = new LinkedHashMap<>();
    private final Tensor values;
    private final Tensor gradients;

    /**
     * Must not be called within a pointer scope.
     *
     * @param factor of the learning rate of each weight
     */
    Parameters(Map<String, dev.atelier.checkpoint.Tensor> initial, ToDoubleFunction<String> factor) {
        long size = 0;
        for (Map.Entry<String, dev.atelier.checkpoint.Tensor> entry : initial.entrySet()) {
            Shape shape = entry.getValue().shape();
            places.put(entry.getKey(), new Place(size, shape, factor.applyAsDouble(entry.getKey())));
            size += (shape.elements() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        values = torch.zeros(size);
        gradients = torch.zeros(size);
        initial.forEach((name, tensor) -> tensor.to(DType.F32).read(0, memory(values, name)));
        for (String name : places.keySet()) {
            Tensor leaf = view(values, name);
            leaf.set_requires_grad(true);
            leaf.mutable_grad().put(view(gradients, name));
            leaves.put(name, leaf);
        }
    }

    /** The weight {@code name} within a vector of all of them. */
    Tensor view(Tensor all, String name) {
        Place place = place(name);
        return all.narrow(0, place.offset(), place.shape().elements())
                .view(place.shape().sizes());
    }

    private Place place(String name) {
        Place place = places.get(name);
        if (place == null) {
            throw new IllegalArgumentException("\"%s\" is not being trained".formatted(name));
        }
        return place;
    }

    /** The elements of the weight {@code name} within a vector of all of them, such as {@link #values}. */
    MemorySegment memory(Tensor all, String name) {
        Place place = place(name);
        return Tensors.memory(all)
                .asSlice(place.offset() * Float.BYTES, place.shape().elements() * Float.BYTES);
    }

    /** The factor of the learning rate of the weight {@code name}. */
    double factor(String name) {
        return place(name).factor();
    }

    /** Whether all weights have the same learning rate. */
    boolean isUniform() {
        return places.values().stream().mapToDouble(Place::factor).distinct().count() <= 1;
    }

    /** Goes through the vectors in blocks of one learning rate, each within a pointer scope of its own. */
    void forEachBlock(Block action) {
        long from = 0;
        double factor = 1;
        for (Place place : places.values()) {
            if (place.factor() != factor) {
                forEachBlock(action, from, place.offset(), factor);
                from = place.offset();
                factor = place.factor();
            }
        }
        forEachBlock(action, from, values.size(0), factor);
    }

    private static void forEachBlock(Block action, long from, long to, double factor) {
        for (long offset = from; offset < to; offset += BLOCK) {
            try (PointerScope _ = new PointerScope()) {
                action.update(offset, Math.min(BLOCK, to - offset), factor);
            }
        }
    }

    /** From now on the learning rate of these weights is 0. */
    void freeze(Predicate<String> names) {
        places.replaceAll((name, place) -> names.test(name) ? new Place(place.offset(), place.shape(), 0) : place);
    }

    boolean contains(String name) {
        return places.containsKey(name);
    }

    /** Calls {@code visitor} with the name and shape of each weight. */
    void forEach(BiConsumer<String, Shape> visitor) {
        places.forEach((name, place) -> visitor.accept(name, place.shape()));
    }

    /** The weight as the networks see it: a leaf of the autograd graph. */
    Tensor leaf(String name) {
        Tensor leaf = leaves.get(name);
        if (leaf == null) {
            throw new IllegalArgumentException("\"%s\" is not being trained".formatted(name));
        }
        return leaf;
    }

    /** All weights, one after the other. */
    Tensor values() {
        return values;
    }

    /** The gradients, in the same order. */
    Tensor gradients() {
        return gradients;
    }

    @Override
    public void close() {
        leaves.values().forEach(Tensor::close);
        values.close();
        gradients.close();
    }
}
