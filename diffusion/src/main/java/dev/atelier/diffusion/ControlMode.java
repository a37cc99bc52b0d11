package dev.atelier.diffusion;

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

    /**
     * The strength of one of the outputs.
     *
     * @param before how many outputs lie between it and the middle block's
     */
    double strength(int before) {
        return this == BALANCED ? 1 : Math.pow(SOFTENING, before);
    }
}
