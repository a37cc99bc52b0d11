package dev.atelier.engine.torch;

import dev.atelier.model.ClipTokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
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

    private record Low(int third, Tensor down, Tensor up, double scale) {}

    /**
     * @param part runs it once more, with all that its gradients take
     * @param result a leaf of the graph
     * @param graph the same result with its graph, where that was kept
     */
    private record Part(
            Supplier<Tensor> part, Tensor result, @Nullable Tensor graph) {}

    private final boolean checkpointing;
    private final LoraDropout dropout;
    private final IdentityHashMap<Tensor, List<Low>> adapted = new IdentityHashMap<>();
    private final IdentityHashMap<Tensor, Tensor> words = new IdentityHashMap<>(); // by the table that they extend
    private final Deque<Part> parts = new ArrayDeque<>();
    private boolean training;
    private boolean inside;
    private long seed;

    TrainingOps(boolean checkpointing, LoraDropout dropout) {
        this.checkpointing = checkpointing;
        this.dropout = dropout;
    }

    /** Every layer with this weight has a LoRA from now on. */
    void adapt(Tensor weight, int third, Tensor down, Tensor up, double scale) {
        adapted.computeIfAbsent(weight, _ -> new ArrayList<>()).add(new Low(third, down, up, scale));
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
        return adapted(super.linear(x, weight, bias), x, weight);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        return adapted(super.linear(x, weight), x, weight);
    }

    private Tensor adapted(Tensor y, Tensor x, Tensor weight) {
        List<Low> lows = adapted.get(weight);
        if (lows == null) {
            return y;
        }
        if (lows.getFirst().third < 0) {
            return y.add(change(lows.getFirst(), x));
        }
        List<Tensor> thirds = super.split(torch.zeros_like(y), 3);
        for (Low low : lows) {
            thirds.set(low.third, change(low, x));
        }
        return y.add(torch.cat(new TensorVector(thirds.toArray(Tensor[]::new)), -1));
    }

    private Tensor change(Low low, Tensor x) {
        return scaled(low, torch.linear(dropped(torch.linear(x, low.down), -1), low.up));
    }

    private Tensor scaled(Low low, Tensor change) {
        boolean leftOut = training && dropout.layers() > 0 && torch.rand(1).item_float() < dropout.layers();
        return change.mul(new Scalar(leftOut ? 0 : low.scale));
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
        Tensor y = super.conv2d(image, weight, bias, stride, padding);
        List<Low> lows = adapted.get(weight);
        if (lows == null) {
            return y;
        }
        Low low = lows.getFirst();
        Tensor inner = dropped(convolution(image, low.down, stride, padding), 1);
        return y.add(scaled(low, convolution(inner, low.up, 1, 0)));
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
