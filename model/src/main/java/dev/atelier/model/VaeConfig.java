package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;

/**
 * The hyper-parameters of a VAE that its tensors' shapes do not carry by themselves.
 *
 * @param levels resolutions: 4 in all released models, hence 8 pixels to a latent cell
 * @param resBlocks residual blocks per level of the decoder: 3; the encoder has one less
 * @param groups GroupNorm groups: 32 in all released models
 * @param latentScale what the encoder's latents are multiplied by to have unit variance: see {@link Family#latentScale}
 */
public record VaeConfig(int levels, int resBlocks, int groups, double latentScale) {
    static final String PREFIX = Component.VAE.prefix();

    static VaeConfig detect(Checkpoint checkpoint, Family family) {
        KeyTree keys = new KeyTree(checkpoint);
        int levels = keys.count(PREFIX + "decoder.up.");
        if (levels == 0) {
            throw keys.unknownLayout("it has no VAE decoder (%sdecoder.up.…)".formatted(PREFIX));
        }
        return new VaeConfig(
                levels,
                keys.count(PREFIX + "decoder.up.0.block."),
                keys.setting("atelier.norm_num_groups", 32),
                family.latentScale());
    }

    /** Pixels per latent cell, along each side. */
    public int spatialFactor() {
        return 1 << (levels - 1);
    }
}
