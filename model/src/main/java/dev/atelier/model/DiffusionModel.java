package dev.atelier.model;

/**
 * What a sampler sees of an engine: a text-to-image diffusion model whose weights are loaded and ready to run.
 * Implementations are not thread-safe; one generation runs at a time.
 */
public interface DiffusionModel extends AutoCloseable {

    /**
     * Runs the text encoder.
     *
     * @param tokens {@code n} windows of exactly 77 token ids each, BOS and EOS included
     * @return the conditioning, {@code [n, 77, contextWidth]}
     */
    FloatArray encodeText(int[][] tokens);

    /**
     * Runs the UNet once on a batch.
     *
     * @param latents {@code [n, 4, h, w]}, already scaled to unit variance (x / √(σ² + 1))
     * @param timesteps {@code n} values in [0, 999]; fractions are allowed
     * @param context {@code [n, 77·k, contextWidth]}
     * @return the network's output (ε), {@code [n, 4, h, w]}
     */
    FloatArray predictNoise(FloatArray latents, float[] timesteps, FloatArray context);

    /**
     * Runs the VAE decoder.
     *
     * @param latents {@code [n, 4, h, w]} in the UNet's scale (the latent scale factor is undone here)
     * @return the pictures, {@code [n, 3, h·f, w·f]} with f = {@link #spatialFactor()}; values about [-1, 1], not clamped
     */
    FloatArray decode(FloatArray latents);

    /** How many pixels a latent cell is wide and high: 8 for every released Stable Diffusion VAE. */
    int spatialFactor();

    /** ᾱ for the 1000 training timesteps: the checkpoint's own {@code alphas_cumprod} where it carries one. */
    float[] alphasCumprod();

    @Override
    void close();
}
