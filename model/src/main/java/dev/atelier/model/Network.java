package dev.atelier.model;

/** The networks of a model, in the order in which a picture passes through them. */
public enum Network implements Loadable {
    TEXT_ENCODER("text_encoder"),
    /** Only SDXL has a second one. */
    TEXT_ENCODER_2("text_encoder_2"),
    UNET("unet"),
    VAE_DECODER("vae_decoder"),
    /** Only needed where a picture is what one starts from. */
    VAE_ENCODER("vae_encoder");

    private final String label;

    Network(String label) {
        this.label = label;
    }

    /** What diffusers calls the network's folder. */
    public String label() {
        return label;
    }
}
