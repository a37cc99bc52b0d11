package dev.atelier.diffusion;

/** In which passes of a hires fix a ControlNet controls, under the names of AUTOMATIC1111's extension; elsewhere in the only one. */
public enum ControlPasses {
    BOTH("Both"),
    FIRST("Low res only"),
    SECOND("High res only");

    private final String label;

    ControlPasses(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }

    boolean includes(boolean second) {
        return this == BOTH || (this == SECOND) == second;
    }
}
