package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * A latent consistency model (Luo et al. 2023, arXiv 2310.04378, section 4.1): near time 0 its output gives way to its
 * input, so that the picture itself is left as it is.
 *
 * @param network what the network would say of a picture without this boundary condition
 */
record ConsistencyDenoiser(Denoiser network, NoiseSchedule schedule) implements Denoiser {
    private static final double DATA_VARIANCE = 0.5 * 0.5;
    private static final double TIME_SCALE = 10;

    @Override
    public FloatArray denoise(FloatArray x, float sigma) {
        double time = TIME_SCALE * schedule.timestep(sigma);
        double variance = time * time + DATA_VARIANCE;
        return Latents.weighted(DATA_VARIANCE / variance, x, time / Math.sqrt(variance), network.denoise(x, sigma));
    }
}
