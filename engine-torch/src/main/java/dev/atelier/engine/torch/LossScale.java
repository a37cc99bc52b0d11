package dev.atelier.engine.torch;

/**
 * What a loss is multiplied by before its gradients are computed in half precision, where small ones would be 0: as much as
 * keeps the large ones finite, found out as PyTorch's {@code GradScaler} does.
 */
final class LossScale {
    private static final double FIRST = 65_536;
    private static final int PATIENCE = 2_000;

    private double factor;
    private int good;
    private int skipped;

    LossScale() {
        this(FIRST, 0, 0);
    }

    /** @param good how many steps there have been since the factor changed */
    private LossScale(double factor, int good, int skipped) {
        this.factor = factor;
        this.good = good;
        this.skipped = skipped;
    }

    /** How many steps have been left out because gradients were not finite. */
    int skipped() {
        return skipped;
    }

    double factor() {
        return factor;
    }

    /** Takes note of a step: too large a factor is halved at once, one that has proved itself for long is doubled. */
    void update(boolean finite) {
        good = finite ? good + 1 : 0;
        if (!finite) {
            factor /= 2;
            skipped++;
        } else if (good == PATIENCE) {
            factor *= 2;
            good = 0;
        }
    }

    /** All there is to know, for {@link #parse}. */
    @Override
    public String toString() {
        return "%s %d %d".formatted(factor, good, skipped);
    }

    static LossScale parse(String written) {
        String[] parts = written.split(" ", -1);
        return new LossScale(Double.parseDouble(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
    }
}
