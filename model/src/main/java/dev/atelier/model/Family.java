package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import java.util.Optional;

/** The families of Stable Diffusion, which differ in their text encoders and in the numbers given here. */
public enum Family {
    SD1("Stable Diffusion 1.x", 0.18215),
    SD2("Stable Diffusion 2.x", 0.18215),
    SDXL("Stable Diffusion XL", 0.13025),
    SDXL_REFINER("Stable Diffusion XL refiner", 0.13025);

    private final String label;
    private final double latentScale;

    Family(String label, double latentScale) {
        this.label = label;
        this.latentScale = latentScale;
    }

    /** A name for people. */
    public String label() {
        return label;
    }

    /** What the VAE's latents are multiplied by to have unit variance (the configuration files of each release). */
    public double latentScale() {
        return latentScale;
    }

    /** Whether the UNet is told the size of the picture. */
    public boolean isXl() {
        return this == SDXL || this == SDXL_REFINER;
    }

    /** The family of a checkpoint in the single-file layout, told by its text encoders. */
    static Optional<Family> of(Checkpoint checkpoint) {
        if (checkpoint.has("conditioner.embedders.1.model.ln_final.weight")) {
            return Optional.of(SDXL);
        }
        if (checkpoint.has("conditioner.embedders.0.model.ln_final.weight")) {
            return Optional.of(SDXL_REFINER);
        }
        if (checkpoint.has("cond_stage_model.model.ln_final.weight")) {
            return Optional.of(SD2);
        }
        return checkpoint.has("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight")
                ? Optional.of(SD1)
                : Optional.empty();
    }
}
