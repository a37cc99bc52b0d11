package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import java.util.Arrays;

/**
 * A network that predicts the noise ε, seen as a {@link Denoiser}: {@code D(x; σ) = x − σ·ε(x/√(σ² + 1), t(σ))}
 * (Karras et al. 2022, arXiv 2206.00364, table 1, column "iDDPM + DDIM").
 *
 * @param context the conditioning, {@code [n, 77·k, contextWidth]}, a row for each latent
 */
public record EpsDenoiser(DiffusionModel model, NoiseSchedule schedule, FloatArray context) implements Denoiser {

    @Override
    public FloatArray denoise(FloatArray x, float sigma) {
        float inputScale = (float) (1 / Math.sqrt((double) sigma * sigma + 1));
        float[] timesteps = new float[x.size(0)];
        Arrays.fill(timesteps, schedule.timestep(sigma));
        FloatArray noise = model.predictNoise(Latents.scale(x, inputScale), timesteps, context);
        return Latents.combine(x, noise, (v, e) -> v - sigma * e);
    }
}
