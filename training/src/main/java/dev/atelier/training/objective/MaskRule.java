package dev.atelier.training.objective;

import dev.atelier.model.FloatArray;

/**
 * How a picture's mask weighs the errors of its latents.
 *
 * @param least how much counts what the mask leaves out, between 0 and 1
 * @param normalized whether all of a picture counts as much as one without a mask does, however small the part is
 */
public record MaskRule(double least, boolean normalized) {
    /** kohya's: the part that is masked out does not count, and a picture with a small part hardly. */
    public static final MaskRule PLAIN = new MaskRule(0, false);

    public MaskRule {
        if (!(least >= 0 && least <= 1)) {
            throw new IllegalArgumentException("what is masked out counts between 0 and 1, not " + least);
        }
    }

    /**
     * The weights of the errors.
     *
     * @param masks {@code [n, 1, h, w]} between 0 and 1
     */
    public FloatArray weights(FloatArray masks) {
        float[] weights = masks.values().clone();
        int size = weights.length / masks.size(0);
        for (int picture = 0; picture < masks.size(0); picture++) {
            double sum = 0;
            for (int i = picture * size; i < (picture + 1) * size; i++) {
                weights[i] = Math.max(weights[i], (float) least);
                sum += weights[i];
            }
            if (normalized && sum > 0) {
                for (int i = picture * size; i < (picture + 1) * size; i++) {
                    weights[i] *= (float) (size / sum);
                }
            }
        }
        return FloatArray.of(weights, masks.shape());
    }
}
