package dev.atelier.model;

/** Tables of ᾱ_t = Π_{j≤t} (1 − β_j), the share of signal left after t + 1 of the 1000 training steps. */
public final class AlphasCumprod {
    /** The timesteps that all released models were trained with. */
    public static final int TIMESTEPS = 1000;

    // runwayml/stable-diffusion-v1-5 v1-inference.yaml: linear_start, linear_end; SD 2.x and SDXL have the same
    private static final double FIRST_BETA = 0.00085;
    private static final double LAST_BETA = 0.012;

    // modules/sd_models.py rescale_zero_terminal_snr_abar
    private static final float ALMOST_ZERO = (float) 4.8973451890853435e-08;

    private AlphasCumprod() {}

    /**
     * ᾱ of SD 1.x, SD 2.x and SDXL: √β runs linearly from √0.00085 to √0.012 (CompVis/latent-diffusion
     * {@code make_beta_schedule}). Computed in double and then rounded, as CompVis and AUTOMATIC1111 do: in fp32 all
     * along, as diffusers has it, the last digits differ.
     *
     * @return 1000 values, falling from 0.99915 to 0.00466
     */
    public static float[] scaledLinear() {
        float[] table = new float[TIMESTEPS];
        double product = 1;
        for (int t = 0; t < TIMESTEPS; t++) {
            double root =
                    Math.sqrt(FIRST_BETA) + t / (TIMESTEPS - 1.0) * (Math.sqrt(LAST_BETA) - Math.sqrt(FIRST_BETA));
            product *= 1 - root * root;
            table[t] = (float) product;
        }
        return table;
    }

    /**
     * The same table stretched so that nothing of the picture is left at the last timestep (Lin et al. 2023, "Common
     * Diffusion Noise Schedules and Sample Steps Are Flawed", arXiv 2305.08891, algorithm 1). As in AUTOMATIC1111 the last
     * ᾱ is not quite 0, which no sampler could divide by. A table that ends there already stays as it is.
     */
    public static float[] withZeroTerminalSnr(float[] table) {
        if (table[table.length - 1] == ALMOST_ZERO) {
            return table;
        }
        float first = (float) Math.sqrt(table[0]);
        float last = (float) Math.sqrt(table[table.length - 1]);
        float[] stretched = new float[table.length];
        for (int t = 0; t < table.length; t++) {
            float root = ((float) Math.sqrt(table[t]) - last) * (first / (first - last));
            stretched[t] = root * root;
        }
        stretched[table.length - 1] = ALMOST_ZERO;
        return stretched;
    }
}
