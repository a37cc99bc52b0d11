package dev.atelier.model;

import dev.atelier.checkpoint.PredictionType;
import java.util.Arrays;
import java.util.List;

/**
 * What a sampler sees of an engine: a text-to-image diffusion model whose weights are loaded and ready to run.
 * Implementations are not thread-safe; one generation runs at a time.
 */
public interface DiffusionModel extends AutoCloseable {

    Family family();

    /** What the UNet predicts. Where a checkpoint does not say, the first call tries it out. */
    PredictionType prediction();

    /** ᾱ for the 1000 training timesteps: the checkpoint's own {@code alphas_cumprod} where it counts. */
    float[] alphasCumprod();

    /** How many pixels a latent cell is wide and high: 8 for every released Stable Diffusion VAE. */
    int spatialFactor();

    /**
     * How many channels the UNet takes: 4, the latents', and in models that are shown a picture 5 (inpainting) or 4
     * (instruct-pix2pix) more.
     */
    int inputChannels();

    /** The side of the pictures that the model was trained with, in pixels. */
    default int nativeSize() {
        return switch (family()) {
            case SD1 -> 512;
            case SD2 -> prediction() == PredictionType.V ? 768 : 512;
            case SDXL, SDXL_REFINER -> 1024;
        };
    }

    /**
     * How long the vectors of tokens are in each text encoder: 768 for SD 1.x, 768 and 1280 for SDXL. An
     * {@link Embedding} of these widths is for this model.
     */
    List<Integer> tokenWidths();

    /** As {@link #encodeText(List, int)} for windows of tokens alone, without clip skip. */
    default TextEncoding encodeText(int[][] tokens) {
        return encodeText(tokens, 1);
    }

    /** As {@link #encodeText(List, int)} for windows of tokens alone. */
    default TextEncoding encodeText(int[][] tokens, int clipSkip) {
        return encodeText(Arrays.stream(tokens).map(TextWindow::of).toList(), clipSkip);
    }

    /**
     * Runs the text encoders.
     *
     * @param windows n windows, whose embeddings are for this model
     * @param clipSkip at which layer from the end SD 1.x's encoder stops, 1 being the last; other families ignore it, as
     *     in AUTOMATIC1111
     */
    TextEncoding encodeText(List<TextWindow> windows, int clipSkip);

    /**
     * Runs the UNet once on a batch.
     *
     * @param latents {@code [n, 4, h, w]}, already scaled to unit variance (x / √(σ² + 1))
     * @param timesteps {@code n} values in [0, 999]; fractions are allowed
     * @param conditioning {@code n} rows
     * @return the network's output, {@code [n, 4, h, w]}: what it is, {@link #prediction()} says
     */
    FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning conditioning);

    /**
     * As {@link #predictNoise(FloatArray, float[], UNetConditioning)}, with less work. A model that knows no shortcuts
     * answers exactly and keeps nothing.
     *
     * @throws IllegalArgumentException if this UNet has no such {@link UNetShortcut#depth}
     */
    default UNetAnswer predictNoise(
            FloatArray latents, float[] timesteps, UNetConditioning conditioning, UNetShortcut shortcut) {
        return new UNetAnswer(predictNoise(latents, timesteps, conditioning), null);
    }

    /**
     * Runs a ControlNet once on a batch. It is loaded when it is first used.
     *
     * @param latents as for {@link #predictNoise}
     * @param timesteps as for {@link #predictNoise}
     * @param conditioning as for {@link #predictNoise}; only context and vector count
     * @param picture {@code [n, 3, 8h, 8w]}, values from 0 to 1
     * @return what {@link UNetConditioning#control} takes
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if it is for another family of models
     */
    default List<FloatArray> control(
            ControlNetModel controlNet,
            FloatArray latents,
            float[] timesteps,
            UNetConditioning conditioning,
            FloatArray picture) {
        throw new UnsupportedOperationException("this model takes no ControlNets");
    }

    /**
     * Runs a T2I-Adapter. It is loaded when it is first used.
     *
     * @param picture {@code [n, 3, 8h, 8w]}, values from 0 to 1
     * @return what {@link UNetConditioning#adapted} takes
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if it is for another family of models
     */
    default List<FloatArray> adapt(T2iAdapterModel adapter, FloatArray picture) {
        throw new UnsupportedOperationException("this model takes no T2I-Adapters");
    }

    /**
     * Runs the VAE decoder.
     *
     * @param latents {@code [n, 4, h, w]} in the UNet's scale (the latent scale factor is undone here)
     * @return the pictures, {@code [n, 3, h·f, w·f]} with f = {@link #spatialFactor()}; values about [-1, 1], not clamped
     */
    FloatArray decode(FloatArray latents);

    /**
     * Decodes with a tiny decoder in place of the VAE's, which is loaded when it is first used.
     *
     * @param latents as for {@link #decode(FloatArray)}
     * @return pictures as of {@link #decode(FloatArray)}, nearly
     */
    default FloatArray decode(TinyDecoderModel decoder, FloatArray latents) {
        throw new UnsupportedOperationException("this model takes no other decoder");
    }

    /**
     * Runs the VAE encoder. Its answer is a normal distribution, so narrow that a draw from it looks like its mean, which
     * is what this gives: the same picture always becomes the same latent.
     *
     * @param pictures {@code [n, 3, h, w]} in [-1, 1]; h and w multiples of {@link #spatialFactor()} f
     * @return the latents, {@code [n, 4, h/f, w/f]} in the UNet's scale
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if the checkpoint has no encoder
     */
    FloatArray encode(FloatArray pictures);

    /**
     * Whether from now on UNet and VAE take pictures for tiles of an endless pattern: convolutions see beyond an edge what
     * lies at the opposite one. It is off until it is asked for; networks that it changes are loaded again.
     */
    default void endless(boolean value) {
        if (value) {
            throw new UnsupportedOperationException("this model draws no endless patterns");
        }
    }

    /** Frees the memory of all networks. Each is loaded again when it is next used. */
    void release();

    @Override
    void close();
}
