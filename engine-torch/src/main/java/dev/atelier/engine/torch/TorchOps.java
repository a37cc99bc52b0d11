package dev.atelier.engine.torch;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.constant_pad_nd;
import static org.bytedeco.pytorch.global.torch.group_norm;
import static org.bytedeco.pytorch.global.torch.layer_norm;
import static org.bytedeco.pytorch.global.torch.scaled_dot_product_attention;
import static org.bytedeco.pytorch.global.torch.sigmoid;
import static org.bytedeco.pytorch.global.torch.upsample_nearest2d;

import dev.atelier.model.FloatArray;
import dev.atelier.model.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The networks' operations, run at once by libtorch. Every tensor belongs to the innermost open {@link PointerScope} of
 * the thread and is freed with it: callers open one around each network call.
 */
class TorchOps implements Ops<Tensor> {
    private final TorchSettings settings;

    TorchOps() {
        this(TorchSettings.DEFAULT);
    }

    TorchOps(TorchSettings settings) {
        this.settings = settings;
    }

    @Override
    public Tensor constant(FloatArray values) {
        return settings.place(Tensors.of(values));
    }

    /** In the precision of the layer's weight, where there are two. */
    private Tensor as(Tensor x, Tensor weight) {
        return settings.isNarrow() ? x.to(weight.scalar_type()) : x;
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return a.add(b);
    }

    @Override
    public Tensor mul(Tensor a, Tensor b) {
        return a.mul(b);
    }

    @Override
    public Tensor scale(Tensor x, double factor) {
        return x.mul(new Scalar(factor));
    }

    @Override
    public Tensor addToChannels(Tensor image, Tensor perChannel) {
        return image.add(perChannel.unsqueeze(-1).unsqueeze(-1));
    }

    @Override
    public Tensor sin(Tensor x) {
        return torch.sin(x);
    }

    @Override
    public Tensor cos(Tensor x) {
        return torch.cos(x);
    }

    @Override
    public Tensor tanh(Tensor x) {
        return torch.tanh(x);
    }

    @Override
    public Tensor relu(Tensor x) {
        return torch.relu(x);
    }

    @Override
    public Tensor leakyRelu(Tensor x, double slope) {
        return torch.leaky_relu(x, new Scalar(slope));
    }

    @Override
    public Tensor prelu(Tensor image, Tensor slopes) {
        return torch.prelu(image, slopes);
    }

    @Override
    public Tensor silu(Tensor x) {
        return torch.silu(x);
    }

    @Override
    public Tensor gelu(Tensor x) {
        return torch.gelu(x);
    }

    @Override
    public Tensor quickGelu(Tensor x) {
        return x.mul(sigmoid(x.mul(new Scalar(1.702))));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        return torch.linear(as(x, weight), weight, new TensorOptional(bias));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        return torch.linear(as(x, weight), weight);
    }

    @Override
    public Tensor matmul(Tensor x, Tensor matrix) {
        return as(x, matrix).matmul(matrix);
    }

    @Override
    public Tensor conv2d(Tensor image, Tensor weight, Tensor bias, int stride, int padding) {
        return torch.conv2d(
                as(image, weight),
                weight,
                new TensorOptional(bias),
                new long[] {stride, stride},
                new long[] {padding, padding},
                new long[] {1, 1},
                1);
    }

    @Override
    public Tensor pad(Tensor image, int rows, int columns) {
        return constant_pad_nd(image, 0, columns, 0, rows);
    }

    @Override
    public Tensor groupNorm(Tensor image, int groups, Tensor weight, Tensor bias, double epsilon) {
        return group_norm(
                as(image, weight), groups, new TensorOptional(weight), new TensorOptional(bias), epsilon, false);
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, double epsilon) {
        long[] normalized = {x.size(-1)};
        return layer_norm(
                as(x, weight), normalized, new TensorOptional(weight), new TensorOptional(bias), epsilon, false);
    }

    @Override
    public Tensor attention(Tensor q, Tensor k, Tensor v, int heads, boolean causal) {
        Tensor[] operands = {toHeads(q, heads), toHeads(k, heads), toHeads(v, heads)};
        Tensor mixed = BlasThreads.one(() -> scaled_dot_product_attention(
                operands[0], operands[1], operands[2], new TensorOptional(), 0, causal, new DoubleOptional(), false));
        BlasThreads.oneBetween(mixed, operands);
        return mixed.transpose(1, 2).reshape(q.size(0), q.size(1), q.size(2));
    }

    /** [n, tokens, width] to [n, heads, tokens, width / heads] */
    private static Tensor toHeads(Tensor x, int heads) {
        return x.reshape(x.size(0), x.size(1), heads, x.size(2) / heads).transpose(1, 2);
    }

    @Override
    public Tensor onMergedTokens(
            Tensor tokens, Tensor compared, Tensor image, double share, UnaryOperator<Tensor> network) {
        TokenMerging merging = TokenMerging.of(compared, (int) image.size(2), (int) image.size(3), share);
        return merging.undo(network.apply(merging.apply(tokens)));
    }

    @Override
    public Tensor embedding(Tensor table, Tensor ids) {
        return torch.embedding(table, ids);
    }

    @Override
    public Tensor tokenOfLargest(Tensor x, Tensor ids) {
        Tensor position = ids.argmax(new LongOptional(1), true).unsqueeze(-1);
        return x.gather(1, position.expand(x.size(0), 1, x.size(2))).squeeze(1);
    }

    @Override
    public Tensor concat(int axis, Tensor a, Tensor b) {
        return cat(new TensorVector(a, b), axis);
    }

    @Override
    public List<Tensor> split(Tensor x, int parts) {
        long width = x.size(-1) / parts;
        List<Tensor> split = new ArrayList<>();
        for (int part = 0; part < parts; part++) {
            split.add(x.narrow(-1, part * width, width));
        }
        return split;
    }

    @Override
    public Tensor upsample2x(Tensor image) {
        return upsample_nearest2d(image, image.size(2) * 2, image.size(3) * 2);
    }

    @Override
    public Tensor pixelShuffle(Tensor image, int factor) {
        return torch.pixel_shuffle(image, factor);
    }

    @Override
    public Tensor halve(Tensor image) {
        long[] two = {2, 2};
        return torch.avg_pool2d(image, two, two, new long[] {0, 0}, true, false, new LongOptional());
    }

    @Override
    public Tensor pixelUnshuffle(Tensor picture, int factor) {
        return torch.pixel_unshuffle(picture, factor);
    }

    @Override
    public Tensor cropTo(Tensor image, Tensor like) {
        return image.narrow(2, 0, like.size(2)).narrow(3, 0, like.size(3));
    }

    @Override
    public Tensor toTokens(Tensor image) {
        return image.flatten(2, 3).transpose(1, 2);
    }

    @Override
    public Tensor toImage(Tensor tokens, Tensor like) {
        return tokens.transpose(1, 2).reshape(tokens.size(0), tokens.size(2), like.size(2), like.size(3));
    }

    @Override
    public Tensor scope(Supplier<Tensor> part) {
        PointerScope outer = PointerScope.getInnerScope();
        try (PointerScope _ = new PointerScope()) {
            Tensor result = part.get();
            outer.attach(result); // it now survives the inner scope
            return result;
        }
    }
}
