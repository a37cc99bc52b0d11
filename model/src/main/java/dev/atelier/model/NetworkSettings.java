package dev.atelier.model;

/**
 * How a network is made ready, where requests differ in that.
 *
 * @param clipSkip at which layer from the end the text encoder of SD 1.x stops, 1 being the last
 * @param mergedTokens see {@link UNetShortcut#mergedTokens}
 * @param depth how many blocks {@link Network#SHALLOW_UNET} runs, see {@link UNetShortcut#depth}
 * @param endless see {@link DiffusionModel#endless}
 */
public record NetworkSettings(int clipSkip, double mergedTokens, int depth, boolean endless) {
    /** Nothing is left out. */
    public static final NetworkSettings DEFAULT = new NetworkSettings(1, 0, 1, false);

    /** Whether {@code network} is the same with {@code other} settings. */
    boolean suits(Network network, NetworkSettings other) {
        return switch (network) {
            case TEXT_ENCODER -> clipSkip == other.clipSkip;
            case UNET, CONTROLLED_UNET -> mergedTokens == other.mergedTokens && endless == other.endless;
            case SHALLOW_UNET -> mergedTokens == other.mergedTokens && depth == other.depth && endless == other.endless;
            case VAE_DECODER, VAE_ENCODER -> endless == other.endless;
            case TEXT_ENCODER_2 -> true;
        };
    }
}
