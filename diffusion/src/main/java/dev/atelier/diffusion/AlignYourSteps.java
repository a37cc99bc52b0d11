package dev.atelier.diffusion;

import dev.atelier.model.Family;
import java.util.List;

/**
 * Noise levels that were optimised for one network each: Sabour et al. 2024, "Align Your Steps" (arXiv 2404.14507), the
 * tables for ten steps, rounded as in AUTOMATIC1111.
 */
record AlignYourSteps(List<Double> table) {
    static final AlignYourSteps SD1 =
            new AlignYourSteps(List.of(14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029));
    static final AlignYourSteps SDXL =
            new AlignYourSteps(List.of(14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029));

    /** The table for a family's networks. */
    static AlignYourSteps of(Family family) {
        return family.isXl() ? SDXL : SD1;
    }

    /** The table, or for another number of levels its interpolation, which is linear in ln σ. */
    float[] levels(int count) {
        float[] levels = new float[count];
        for (int i = 0; i < count; i++) {
            // counted from the low end, so that a single level is the lowest
            double at = count == 1 ? 0 : (double) (table.size() - 1) * (count - 1 - i) / (count - 1);
            int low = Math.min((int) at, table.size() - 2);
            double weight = at - low;
            levels[i] = (float) Math.exp((1 - weight) * logFromBelow(low) + weight * logFromBelow(low + 1));
        }
        return levels;
    }

    private double logFromBelow(int index) {
        return Math.log(table.get(table.size() - 1 - index));
    }
}
