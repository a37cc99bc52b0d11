package dev.atelier.diffusion;

/**
 * How much of a run is left for a picture that is not begun from noise, as AUTOMATIC1111 counts it.
 *
 * @param planned steps of the whole run, from noise to picture
 * @param last how many of them remain, less one
 */
record Strength(int planned, int last) {
    // at a denoising strength of 1 the first step is still left out where steps are not exact
    private static final double MOST = 0.999;

    /** @param exact whether {@code steps} remain; otherwise they are the whole run */
    static Strength of(double denoising, int steps, boolean exact) {
        double share = Math.min(denoising, MOST);
        return exact
                ? new Strength(share > 0 ? (int) (steps / share) : 0, steps - 1)
                : new Strength(steps, (int) (share * steps));
    }
}
