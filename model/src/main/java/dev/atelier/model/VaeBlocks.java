package dev.atelier.model;

/** The blocks that the encoder and the decoder of the autoencoder are both built of. */
final class VaeBlocks<T> {
    static final double EPSILON = 1e-6;

    private final Ops<T> ops;

    VaeBlocks(Ops<T> ops) {
        this.ops = ops;
    }

    /** Two residual blocks with attention between them, at the lowest resolution. */
    T middle(Layers<T> layers, T x) {
        T h = residual(layers.at("mid.block_1"), x);
        h = attention(layers.at("mid.attn_1"), h);
        return residual(layers.at("mid.block_2"), h);
    }

    T residual(Layers<T> layers, T x) {
        return ops.scope(() -> {
            T h = layers.conv("conv1", ops.silu(layers.groupNorm("norm1", x, EPSILON)));
            h = layers.conv("conv2", ops.silu(layers.groupNorm("norm2", h, EPSILON)));
            return ops.add(layers.keepsWidth("conv1") ? x : layers.conv("nin_shortcut", x), h);
        });
    }

    /** Single-head self-attention over all pixels. */
    private T attention(Layers<T> layers, T x) {
        return ops.scope(() -> {
            T normed = layers.groupNorm("norm", x, EPSILON);
            T q = ops.toTokens(layers.conv("q", normed));
            T k = ops.toTokens(layers.conv("k", normed));
            T v = ops.toTokens(layers.conv("v", normed));
            return ops.add(x, layers.conv("proj_out", ops.toImage(ops.attention(q, k, v, 1, false), x)));
        });
    }
}
