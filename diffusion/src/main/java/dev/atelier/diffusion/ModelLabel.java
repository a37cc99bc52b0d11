package dev.atelier.diffusion;

import org.jspecify.annotations.Nullable;

/**
 * What infotext says about the model.
 *
 * @param name the checkpoint's name, without folder and extension
 * @param hash the first ten hex digits of the file's SHA-256, or null where no file stands behind the model
 * @param vae the file whose VAE takes the place of the checkpoint's, or null for none
 */
public record ModelLabel(
        String name, @Nullable String hash, @Nullable ModelLabel vae) {
    /** A model with its own VAE. */
    public ModelLabel(String name, @Nullable String hash) {
        this(name, hash, null);
    }

    /** The name, with the hash in brackets where there is one: how AUTOMATIC1111 lists models. */
    public String title() {
        return hash == null ? name : "%s [%s]".formatted(name, hash);
    }
}
