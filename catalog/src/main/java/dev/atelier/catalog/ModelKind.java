package dev.atelier.catalog;

import dev.atelier.checkpoint.Architecture;
import java.util.Locale;

/** What a file is used for. */
public enum ModelKind {
    /** A whole model, from which pictures can be made. */
    CHECKPOINT,
    LORA,
    /** A word of its own for prompts. */
    EMBEDDING,
    CONTROLNET,
    VAE,
    /** Changes what a UNet's attention looks at. */
    HYPERNETWORK,
    /** A network that makes pictures larger. */
    UPSCALER,
    /** A part of a model, or nothing that is known. */
    OTHER;

    /** What files of this architecture are used for. */
    public static ModelKind of(Architecture architecture) {
        return switch (architecture) {
            case LORA -> LORA;
            case EMBEDDING -> EMBEDDING;
            case CONTROLNET, T2I_ADAPTER -> CONTROLNET;
            case VAE_ONLY -> VAE;
            case HYPERNETWORK -> HYPERNETWORK;
            case UPSCALER -> UPSCALER;
            case UNET_ONLY, UNKNOWN -> OTHER;
            default -> CHECKPOINT;
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
