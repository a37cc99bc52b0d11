package dev.atelier.merge.recipe;

import java.nio.file.Path;
import java.util.Locale;

/** What a checkpoint is written as. */
public enum Format {
    SAFETENSORS,
    CKPT,
    DIFFUSERS;

    /** That of a file with such a name. */
    public static Format ofFile(Path file) {
        String name = file.toString();
        return name.endsWith(".ckpt") || name.endsWith(".pt") ? CKPT : SAFETENSORS;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
