package dev.atelier.diffusion;

/** What inpainting starts from where it draws, in the order of AUTOMATIC1111's API. */
public enum MaskedContent {
    /** The colours around the mask. */
    FILL("fill"),
    /** The picture itself. */
    ORIGINAL("original"),
    /** Noise, beside the noise that every run adds. */
    LATENT_NOISE("latent noise"),
    /** The mean of all pictures, a plain brown. */
    LATENT_NOTHING("latent nothing");

    private final String label;

    MaskedContent(String label) {
        this.label = label;
    }

    /** The name on AUTOMATIC1111's web page and in infotext. */
    public String label() {
        return label;
    }
}
