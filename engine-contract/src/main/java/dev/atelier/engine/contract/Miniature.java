package dev.atelier.engine.contract;

import java.nio.file.Path;

/**
 * A model for tests: the layout of Stable Diffusion 1.5, tensor by tensor, at a four-hundredth of its size, with random
 * weights.
 */
public final class Miniature {
    private Miniature() {}

    /** The model as a file in {@code folder}: a checkpoint is mapped, and what lies in a jar cannot be. */
    public static Path unpack(Path folder) {
        return Reference.open("miniature.safetensors", folder).file().name();
    }
}
