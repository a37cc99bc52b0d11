package dev.atelier.model;

/**
 * The decoder of Stable Diffusion's variational autoencoder (Rombach et al. 2022; CompVis layout, in which
 * {@code decoder.up.0} is the finest level and runs last).
 */
public final class VaeDecoder<T> {
    private final Ops<T> ops;
    private final Layers<T> vae;
    private final VaeBlocks<T> blocks;
    private final VaeConfig config;

    public VaeDecoder(Ops<T> ops, Weights<T> weights, VaeConfig config) {
        this.ops = ops;
        this.vae = new Layers<>(ops, weights, config.groups(), VaeConfig.PREFIX);
        this.blocks = new VaeBlocks<>(ops);
        this.config = config;
    }

    /**
     * @param latents {@code [n, 4, h, w]} in the UNet's scale
     * @return pictures {@code [n, 3, h·f, w·f]}, about [-1, 1]
     */
    public T forward(T latents) {
        Layers<T> decoder = vae.at("decoder");
        T h = vae.conv("post_quant_conv", ops.scale(latents, 1 / config.latentScale()));
        h = decoder.conv("conv_in", h);
        h = blocks.middle(decoder, h);
        for (int level = config.levels() - 1; level >= 0; level--) {
            Layers<T> layers = decoder.at("up." + level);
            for (int block = 0; block < config.resBlocks(); block++) {
                h = blocks.residual(layers.at("block." + block), h);
            }
            if (level > 0) {
                h = upsample(layers, h);
            }
        }
        return decoder.conv("conv_out", ops.silu(decoder.groupNorm("norm_out", h, VaeBlocks.EPSILON)));
    }

    private T upsample(Layers<T> layers, T x) {
        return ops.scope(() -> layers.conv("upsample.conv", ops.upsample2x(x)));
    }
}
