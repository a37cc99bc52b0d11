package dev.atelier.model;

/**
 * The encoder of Stable Diffusion's variational autoencoder (Rombach et al. 2022; CompVis layout, in which
 * {@code encoder.down.0} is the finest level and runs first).
 */
public final class VaeEncoder<T> {
    private final Ops<T> ops;
    private final Layers<T> vae;
    private final VaeBlocks<T> blocks;
    private final VaeConfig config;

    public VaeEncoder(Ops<T> ops, Weights<T> weights, VaeConfig config) {
        this.ops = ops;
        this.vae = new Layers<>(ops, weights, config.groups(), VaeConfig.PREFIX);
        this.blocks = new VaeBlocks<>(ops);
        this.config = config;
    }

    /**
     * @param pictures {@code [n, 3, h, w]} in [-1, 1]; h and w multiples of {@link VaeConfig#spatialFactor()} f
     * @return the moments of each latent's normal distribution, {@code [n, 8, h/f, w/f]}: four channels of means, then
     *     four of log variances. Latents are in the encoder's scale; times {@link VaeConfig#latentScale} in the UNet's
     */
    public T forward(T pictures) {
        Layers<T> encoder = vae.at("encoder");
        T h = encoder.conv("conv_in", pictures);
        for (int level = 0; level < config.levels(); level++) {
            Layers<T> layers = encoder.at("down." + level);
            for (int block = 0; block < config.resBlocks() - 1; block++) {
                h = blocks.residual(layers.at("block." + block), h);
            }
            if (level < config.levels() - 1) {
                h = downsample(layers, h);
            }
        }
        h = blocks.middle(encoder, h);
        h = encoder.conv("conv_out", ops.silu(encoder.groupNorm("norm_out", h, VaeBlocks.EPSILON)));
        return vae.conv("quant_conv", h);
    }

    /** Halves the image; unlike the UNet's, this convolution sees zeros only below and to the right. */
    private T downsample(Layers<T> layers, T x) {
        return ops.scope(() -> ops.conv2d(
                ops.pad(x, 1, 1),
                layers.weight("downsample.conv.weight"),
                layers.weight("downsample.conv.bias"),
                2,
                0));
    }
}
