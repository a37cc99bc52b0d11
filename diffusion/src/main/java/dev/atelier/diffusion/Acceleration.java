package dev.atelier.diffusion;

/**
 * How a run saves work in the network, at the price of a picture that is a little different.
 *
 * @param cacheInterval DeepCache (Ma et al. 2023, arXiv 2312.00858): only every so many-th call runs all of the network, 1
 *     to 100; 1 is every call. The others run its outermost blocks and take the rest from the last whole call
 * @param cacheDepth how many blocks these are, each way, 1 to 3
 * @param mergedTokens token merging (Bolya and Hoffman 2023, arXiv 2303.17604), AUTOMATIC1111's "Token merging ratio": the
 *     share of tokens that self-attention at full resolution does without, 0 to 0.75. Without effect on SDXL
 * @param mergedTokensOfHires the same for the second pass of a hires fix, where it is not 0
 */
public record Acceleration(int cacheInterval, int cacheDepth, double mergedTokens, double mergedTokensOfHires) {
    /** None: the exact picture. */
    public static final Acceleration NONE = new Acceleration(1, 1, 0, 0);

    private static final double MOST = 0.75; // one of four tokens stays

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public Acceleration {
        if (cacheInterval < 1 || cacheInterval > 100) {
            throw new IllegalArgumentException("DeepCache interval must be between 1 and 100, but is " + cacheInterval);
        }
        if (cacheDepth < 1 || cacheDepth > 3) {
            throw new IllegalArgumentException("DeepCache depth must be between 1 and 3, but is " + cacheDepth);
        }
        GenerationRequest.within("token merging ratio", mergedTokens, MOST);
        GenerationRequest.within("token merging ratio hr", mergedTokensOfHires, MOST);
    }

    /** For the second pass of a hires fix. */
    Acceleration ofHires() {
        return mergedTokensOfHires == 0
                ? this
                : new Acceleration(cacheInterval, cacheDepth, mergedTokensOfHires, mergedTokensOfHires);
    }
}
