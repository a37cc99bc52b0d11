package dev.atelier.engine.torch;

import dev.atelier.model.ClipTokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The networks' operations for training: layers may have LoRAs, the vocabulary new words, and activations may be checkpointed.
 *
 * <p>Checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): of each part of a network only the result
 * is kept. When {@link #backward} reaches the part, it runs a second time, now with all that autograd needs of it. As every part
 * begins at results of others, which are leaves of the graph, each is differentiated on its own.
 */
final class TrainingOps extends TorchOps {
    /** Parts with a result of at most so many numbers keep all that their gradients take: it is little, and saves running them again. */
    private static final long MOST_KEPT = 1 << 19;

    /**
     * A kind of layer without bias.
     *
     * @param product of an input and a weight
     * @param mixture of channels alone: the product with a weight {@code [out, in, 1, 1]}
     * @param channels the axis that they are on
     */
    private record Layer(BinaryOperator<Tensor> product, BinaryOperator<Tensor> mixture, int channels) {}

    private static final Layer LINEAR = new Layer(torch::linear, torch::linear, -1);

    /**
     * @param part runs it once more, with all that its gradients take
     * @param result a leaf of the graph
     * @param graph the same result with its graph, where that was kept
     */
    private record Part(
            Supplier<Tensor> part, Tensor result, @Nullable Tensor graph) {}

    private final boolean checkpointing;
    private final LoraDropout dropout;
    private final IdentityHashMap<Tensor, List<LayerChange>> adapted = new IdentityHashMap<>();
    private final IdentityHashMap<Tensor, Tensor> words = new IdentityHashMap<>(); // by the table that they extend
    private final Deque<Part> parts = new ArrayDeque<>();
    private boolean training;
    private boolean inside;
    private long seed;

    TrainingOps(boolean checkpointing, LoraDropout dropout) {
        this.checkpointing = checkpointing;
        this.dropout = dropout;
    }

    /** Every layer with this weight is changed from now on. */
    void adapt(Tensor weight, LayerChange change) {
        adapted.computeIfAbsent(weight, _ -> new ArrayList<>()).add(change);
    }

    /** The embedding {@code table} knows these words too, under the ids that follow its own. */
    void extend(Tensor table, Tensor rows) {
        words.put(table, rows);
    }

    /** Begins a step. The same seed drops the same values. */
    void train(long stepSeed) {
        parts.clear();
        seed = stepSeed;
        training = true;
    }

    /** From now on nothing is dropped and nothing kept. */
    void evaluate() {
        parts.clear();
        training = false;
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        return adapted(super.linear(x, weight, bias), x, weight, bias, LINEAR);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        return adapted(super.linear(x, weight), x, weight, null, LINEAR);
    }

    private Tensor adapted(Tensor y, Tensor x, Tensor weight, @Nullable Tensor bias, Layer layer) {
        List<LayerChange> changes = adapted.get(weight);
        if (changes == null) {
            return y;
        }
        if (changes.getFirst().third() < 0) {
            return y.add(change(changes.getFirst(), layer, x, weight, () -> without(bias, y, layer)));
        }
        List<Tensor> thirds = super.split(torch.zeros_like(y), 3);
        long rows = weight.size(0) / 3;
        for (LayerChange change : changes) {
            long from = change.third() * rows;
            thirds.set(
                    change.third(),
                    change(
                            change,
                            layer,
                            x,
                            weight.narrow(0, from, rows),
                            () -> without(bias, y, layer).narrow(-1, from, rows)));
        }
        return y.add(torch.cat(new TensorVector(thirds.toArray(Tensor[]::new)), -1));
    }

    /** @param base what the layer makes of {@code x}, without its bias */
    private Tensor change(LayerChange change, Layer layer, Tensor x, Tensor weight, Supplier<Tensor> base) {
        Tensor added = switch (change.form()) {
            case LORA -> low(change, layer, x);
            case DORA -> {
                Tensor factor =
                        along(layer, change.part("dora_scale").flatten(0, -1).div(change.lengths(weight)));
                yield base.get()
                        .mul(factor.sub(new Scalar(1)))
                        .add(low(change, layer, x).mul(factor));
            }
            case LOHA, LOKR ->
                layer.product.apply(x, withoutRows(change.whole(weight))).mul(new Scalar(change.scale()));
        };
        boolean leftOut = training && dropout.layers() > 0 && torch.rand(1).item_float() < dropout.layers();
        return leftOut ? added.mul(new Scalar(0)) : added;
    }

    private static Tensor without(@Nullable Tensor bias, Tensor y, Layer layer) {
        return bias == null ? y : y.sub(along(layer, bias));
    }

    private Tensor low(LayerChange change, Layer layer, Tensor x) {
        Tensor inner = dropped(layer.product.apply(x, change.part("lora_down.weight")), layer.channels);
        return layer.mixture.apply(inner, change.part("lora_up.weight")).mul(new Scalar(change.scale()));
    }

    /** Of the change of a whole weight LyCORIS leaves out rows in place of ranks, and what stays counts as before. */
    private Tensor withoutRows(Tensor whole) {
        if (!training || dropout.ranks() == 0) {
            return whole;
        }
        long[] sizes = new long[(int) whole.dim()];
        Arrays.fill(sizes, 1);
        sizes[0] = whole.size(0);
        return whole.mul(torch.rand(sizes).gt(new Scalar(dropout.ranks())));
    }

    /** A number for each channel, to be multiplied with what a layer makes. */
    private static Tensor along(Layer layer, Tensor numbers) {
        return layer.channels == 1 ? numbers.view(1, -1, 1, 1) : numbers;
    }

    /** @param ranks the axis of {@code inner} that they are on */
    private Tensor dropped(Tensor inner, int ranks) {
        if (!training) {
            return inner;
        }
        Tensor left = dropout.numbers() > 0 ? torch.dropout(inner, dropout.numbers(), true) : inner;
        if (dropout.ranks() == 0) {
            return left;
        }
        long[] sizes = new long[(int) inner.dim()];
        Arrays.fill(sizes, 1);
        sizes[0] = inner.size(0);
        sizes[ranks < 0 ? sizes.length + ranks : ranks] = inner.size(ranks);
        return left.mul(torch.dropout(torch.ones(sizes), dropout.ranks(), true));
    }

    @Override
    public Tensor conv2d(Tensor image, Tensor weight, Tensor bias, int stride, int padding) {
        return adapted(
                super.conv2d(image, weight, bias, stride, padding),
                image,
                weight,
                bias,
                new Layer((x, w) -> convolution(x, w, stride, padding), (x, w) -> convolution(x, w, 1, 0), 1));
    }

    private static Tensor convolution(Tensor image, Tensor weight, int stride, int padding) {
        long[] strides = {stride, stride};
        long[] paddings = {padding, padding};
        return torch.conv2d(image, weight, new TensorOptional(), strides, paddings, new long[] {1, 1}, 1);
    }

    @Override
    public Tensor embedding(Tensor table, Tensor ids) {
        Tensor rows = words.get(table);
        if (rows == null) {
            return super.embedding(table, ids);
        }
        Tensor isNew = isNew(ids);
        Tensor own = super.embedding(table, ids.masked_fill(isNew, new Scalar(0)));
        Tensor added = super.embedding(
                rows, ids.sub(new Scalar(ClipTokenizer.VOCABULARY)).masked_fill(isNew.logical_not(), new Scalar(0)));
        return torch.where(isNew.unsqueeze(-1), added, own);
    }

    /** The largest of the ids that CLIP knows, EOS: those of new words are larger. */
    @Override
    public Tensor tokenOfLargest(Tensor x, Tensor ids) {
        return super.tokenOfLargest(x, ids.masked_fill(isNew(ids), new Scalar(0)));
    }

    private static Tensor isNew(Tensor ids) {
        return ids.ge(new Scalar(ClipTokenizer.VOCABULARY));
    }

    @Override
    public Tensor scope(Supplier<Tensor> part) {
        if (inside || !training) {
            return super.scope(part);
        }
        long partSeed = seed++;
        inside = true;
        try {
            Tensor graph = super.scope(() -> seeded(part, partSeed));
            if (!checkpointing || !graph.requires_grad()) {
                return graph;
            }
            Tensor result;
            try (NoGradGuard _ = new NoGradGuard()) {
                result = graph.detach();
            }
            result.set_requires_grad(true);
            boolean kept = graph.numel() <= MOST_KEPT;
            parts.push(new Part(() -> seeded(part, partSeed), result, kept ? graph : null));
            if (!kept) {
                graph.close(); // and with it all that autograd has taken down
            }
            return result;
        } finally {
            inside = false;
        }
    }

    private Tensor seeded(Supplier<Tensor> part, long partSeed) {
        if (!dropout.isNone()) {
            torch.manual_seed(partSeed);
        }
        return part.get();
    }

    /** Adds up the gradients of {@code loss}. */
    void backward(Tensor loss) {
        loss.backward();
        inside = true;
        try {
            while (!parts.isEmpty()) {
                Part part = parts.pop();
                Tensor kept = part.graph;
                try (PointerScope _ = new PointerScope()) {
                    Tensor gradient = part.result.grad();
                    if (gradient.defined()) {
                        Tensor result = kept != null ? kept : part.part.get();
                        result.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
                    }
                }
                part.result.close(); // and with it its gradient: nothing that comes now needs them
                if (kept != null) {
                    kept.close();
                }
            }
        } finally {
            inside = false;
        }
    }
}
