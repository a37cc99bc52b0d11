package dev.atelier.diffusion;

import java.util.List;

/** What counts more where prompt and control picture disagree, under the names of AUTOMATIC1111's ControlNet extension. */
public enum ControlMode {
    BALANCED("Balanced"),
    /** The deeper blocks are controlled less. */
    PROMPT("My prompt is more important"),
    /** The same, and the negative prompt is not controlled at all, so that guidance strengthens the control. */
    CONTROL("ControlNet is more important");

    /** How much less each block is controlled than the one after it (the extension's, and ControlNet's guess mode). */
    private static final double SOFTENING = 0.825;

    private final String label;

    ControlMode(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }

    /** The same of T2I-Adapters, from the first output on. */
    private static final List<Double> SOFTENING_OF_ADAPTERS = List.of(0.25, 0.62, 0.825, 1.0);

    /**
     * The strength of one of a ControlNet's outputs.
     *
     * @param before how many outputs lie between it and the middle block's
     */
    double strength(int before) {
        return this == BALANCED ? 1 : Math.pow(SOFTENING, before);
    }

    /** The strength of one of a T2I-Adapter's outputs. */
    double ofAdapter(int output) {
        return this == BALANCED ? 1 : SOFTENING_OF_ADAPTERS.get(output);
    }
}
