package dev.atelier.model;

/**
 * How a network is made ready, where requests differ in that.
 *
 * @param clipSkip at which layer from the end the text encoder of SD 1.x stops, 1 being the last
 * @param endless see {@link DiffusionModel#endless}
 */
public record NetworkSettings(int clipSkip, boolean endless) {
    public static final NetworkSettings DEFAULT = new NetworkSettings(1, false);

    /** Whether {@code network} is the same with {@code other} settings. */
    boolean suits(Network network, NetworkSettings other) {
        return switch (network) {
            case TEXT_ENCODER -> clipSkip == other.clipSkip;
            case UNET, VAE_DECODER, VAE_ENCODER -> endless == other.endless;
            case TEXT_ENCODER_2 -> true;
        };
    }
}
