package dev.atelier.checkpoint;

/**
 * The parts of a checkpoint in the single-file layout, by the prefix of their names. The text encoders of XL lie under a prefix of
 * their own, {@code conditioner.embedders.}
 */
public enum Component {
    TEXT_ENCODER("text encoder", "cond_stage_model."),
    UNET("UNet", "model.diffusion_model."),
    VAE("VAE", "first_stage_model."),
    EMA("EMA copy of the UNet", "model_ema."),
    OTHER("other", "");

    private final String label;
    private final String prefix;

    Component(String label, String prefix) {
        this.label = label;
        this.prefix = prefix;
    }

    /** The component that the tensor called {@code name} belongs to. */
    public static Component of(String name) {
        if (name.startsWith(DiffusersModel.XL_TEXT)) {
            return TEXT_ENCODER;
        }
        for (Component component : values()) {
            if (name.startsWith(component.prefix)) {
                return component;
            }
        }
        return OTHER;
    }

    public String label() {
        return label;
    }

    /** What the names of its tensors start with, including the dot; empty for {@link #OTHER}. */
    public String prefix() {
        return prefix;
    }
}
