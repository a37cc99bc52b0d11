package dev.atelier.model;

/**
 * The decoder of Stable Diffusion's variational autoencoder (Rombach et al. 2022; CompVis layout, in which
 * {@code decoder.up.0} is the finest level and runs last).
 */
public final class VaeDecoder<T> {
    /** What the encoder's latents are multiplied by to have unit variance (SD 1.x and 2.x, v1-inference.yaml). */
    private static final double LATENT_SCALE = 0.18215;

    private static final double EPSILON = 1e-6;

    private final Ops<T> ops;
    private final Layers<T> vae;
    private final VaeConfig config;

    public VaeDecoder(Ops<T> ops, Weights<T> weights, VaeConfig config) {
        this.ops = ops;
        this.vae = new Layers<>(ops, weights, config.groups(), VaeConfig.PREFIX);
        this.config = config;
    }

    /**
     * @param latents {@code [n, 4, h, w]} in the UNet's scale
     * @return pictures {@code [n, 3, h·f, w·f]}, about [-1, 1]
     */
    public T forward(T latents) {
        Layers<T> decoder = vae.at("decoder");
        T h = vae.conv("post_quant_conv", ops.scale(latents, 1 / LATENT_SCALE));
        h = decoder.conv("conv_in", h);
        h = resBlock(decoder.at("mid.block_1"), h);
        h = attention(decoder.at("mid.attn_1"), h);
        h = resBlock(decoder.at("mid.block_2"), h);
        for (int level = config.levels() - 1; level >= 0; level--) {
            Layers<T> layers = decoder.at("up." + level);
            for (int block = 0; block < config.resBlocks(); block++) {
                h = resBlock(layers.at("block." + block), h);
            }
            if (level > 0) {
                h = upsample(layers, h);
            }
        }
        return decoder.conv("conv_out", ops.silu(decoder.groupNorm("norm_out", h, EPSILON)));
    }

    private T resBlock(Layers<T> layers, T x) {
        return ops.scope(() -> {
            T h = layers.conv("conv1", ops.silu(layers.groupNorm("norm1", x, EPSILON)));
            h = layers.conv("conv2", ops.silu(layers.groupNorm("norm2", h, EPSILON)));
            return ops.add(layers.keepsWidth("conv1") ? x : layers.conv("nin_shortcut", x), h);
        });
    }

    private T upsample(Layers<T> layers, T x) {
        return ops.scope(() -> layers.conv("upsample.conv", ops.upsample2x(x)));
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
