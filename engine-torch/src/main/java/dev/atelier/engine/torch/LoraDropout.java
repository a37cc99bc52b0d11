package dev.atelier.engine.torch;

/**
 * With what probabilities parts of LoRAs are left out of a step, as kohya has them.
 *
 * @param numbers each number between the factors; those that stay count more, so that their sum stays about the same
 * @param ranks each of a layer's ranks, for all of a sample; likewise. Of LoHa and LoKr, as LyCORIS has it, each row of the
 *     change, for all of a step, and what stays counts as before
 * @param layers the LoRA of a whole layer
 */
public record LoraDropout(double numbers, double ranks, double layers) {
    /** Nothing is left out. */
    public static final LoraDropout NONE = new LoraDropout(0, 0, 0);

    boolean isNone() {
        return equals(NONE);
    }
}
