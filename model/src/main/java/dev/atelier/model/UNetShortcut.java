package dev.atelier.model;

import org.jspecify.annotations.Nullable;

/**
 * How a call of the UNet may save work, at the price of an answer that is a little different.
 *
 * @param mergedTokens the share of tokens that self-attention at full resolution sees merged into others like them (Bolya
 *     and Hoffman 2023, "Token Merging for Fast Stable Diffusion", arXiv 2303.17604), 0 to 0.75; 0 for none
 * @param depth how many of its outermost blocks the UNet runs where the rest is taken from an earlier call (Ma et al. 2023,
 *     "DeepCache", arXiv 2312.00858), 1 to {@link UNetConfig#finestBlocks}; 0 if nothing is kept for later calls
 * @param deep what the rest gave in an earlier call, for the same rows; null to run all of the UNet
 */
public record UNetShortcut(
        double mergedTokens, int depth, @Nullable FloatArray deep) {
    /** The exact answer. */
    public static final UNetShortcut NONE = new UNetShortcut(0, 0, null);

    public UNetShortcut {
        if (!(mergedTokens >= 0 && mergedTokens <= 0.75)) {
            throw new IllegalArgumentException("three quarters of the tokens can be merged, not " + mergedTokens);
        }
    }
}
