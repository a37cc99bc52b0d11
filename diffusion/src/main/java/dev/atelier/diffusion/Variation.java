package dev.atelier.diffusion;

/**
 * A walk from the noise of one seed towards that of another, for pictures that are alike.
 *
 * @param seed the variation seed of the first picture; picture i has {@code seed + i}, while all share the request's seed
 * @param strength 0 is the noise of the request's seed, 1 that of the variation seed
 */
public record Variation(long seed, double strength) {
    public static final Variation NONE = new Variation(0, 0);

    /** @throws IllegalArgumentException if the strength is not between 0 and 1 */
    public Variation {
        if (!(strength >= 0 && strength <= 1)) {
            throw new IllegalArgumentException("variation strength must be between 0 and 1, but is " + strength);
        }
    }

    boolean isNone() {
        return strength == 0;
    }
}
