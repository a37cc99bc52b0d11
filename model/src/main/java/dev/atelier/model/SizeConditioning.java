package dev.atelier.model;

/**
 * What SDXL is told of a picture's size (Podell et al. 2023, "SDXL", arXiv 2307.01952, section 2.2), in pixels.
 *
 * @param originalHeight of the picture before training cut it to size: a small one asks for a blurry picture
 * @param cropTop how much of it was cut off; 0 asks for a picture that shows its subject whole
 * @param targetHeight of the picture that is drawn
 */
public record SizeConditioning(
        int originalWidth, int originalHeight, int cropLeft, int cropTop, int targetWidth, int targetHeight) {
    private static final int EMBEDDING = 256;

    /** How many numbers stand for the sizes. */
    static int width(Family family) {
        return EMBEDDING * (family == Family.SDXL_REFINER ? 5 : 6);
    }

    /**
     * The vectors that SDXL's UNet takes beside the time: {@code [n, vectorWidth]}.
     *
     * @param pooled the text encoder's, {@code [n, width]}
     * @param aestheticScore how beautiful the refiner is to make the picture; it reads this in place of the target size
     */
    public FloatArray vector(FloatArray pooled, Family family, double aestheticScore) {
        double[] last = family == Family.SDXL_REFINER
                ? new double[] {aestheticScore}
                : new double[] {targetHeight, targetWidth};
        int own = pooled.size(1);
        int width = own + width(family);
        float[] vector = new float[pooled.size(0) * width];
        for (int row = 0; row < pooled.size(0); row++) {
            System.arraycopy(pooled.values(), row * own, vector, row * width, own);
            int start = row * width + own;
            for (double size : new double[] {originalHeight, originalWidth, cropTop, cropLeft}) {
                start = embed(size, vector, start);
            }
            for (double size : last) {
                start = embed(size, vector, start);
            }
        }
        return FloatArray.of(vector, pooled.size(0), width);
    }

    /** The sinusoids that also stand for the time in {@link UNet}: cosines, then sines. */
    private static int embed(double size, float[] vector, int start) {
        int half = EMBEDDING / 2;
        for (int i = 0; i < half; i++) {
            double angle = (float) size * (float) Math.exp(-Math.log(10_000) * i / half);
            vector[start + i] = (float) Math.cos(angle);
            vector[start + half + i] = (float) Math.sin(angle);
        }
        return start + EMBEDDING;
    }
}
