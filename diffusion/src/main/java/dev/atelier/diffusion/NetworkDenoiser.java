package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.Arrays;

/**
 * A network, seen as a {@link Denoiser} (Karras et al. 2022, arXiv 2206.00364, table 1). It reads x/√(σ² + 1) at the time
 * t(σ); where it predicts the noise ε, {@code D(x; σ) = x − σ·ε}, and where it predicts v,
 * {@code D(x; σ) = x/(σ² + 1) − v·σ/√(σ² + 1)}.
 */
public final class NetworkDenoiser implements Denoiser {
    private final DiffusionModel model;
    private final NoiseSchedule schedule;
    private final UNetConditioning conditioning;
    private final Shortcuts shortcuts;
    private final Controls controls;

    /** @param conditioning a row for each latent */
    public NetworkDenoiser(DiffusionModel model, NoiseSchedule schedule, UNetConditioning conditioning) {
        this(model, schedule, conditioning, new Shortcuts(Acceleration.NONE), Controls.NONE);
    }

    /**
     * @param shortcuts of the run that this is a call of
     * @param controls of the run
     */
    NetworkDenoiser(
            DiffusionModel model,
            NoiseSchedule schedule,
            UNetConditioning conditioning,
            Shortcuts shortcuts,
            Controls controls) {
        this.model = model;
        this.schedule = schedule;
        this.conditioning = conditioning;
        this.shortcuts = shortcuts;
        this.controls = controls;
    }

    @Override
    public FloatArray denoise(FloatArray x, float sigma) {
        double variance = (double) sigma * sigma + 1;
        float[] timesteps = new float[x.size(0)];
        Arrays.fill(timesteps, schedule.timestep(sigma));
        FloatArray input = Latents.scale(x, (float) (1 / Math.sqrt(variance)));
        FloatArray output = shortcuts.predictNoise(
                model, input, timesteps, controls.with(conditioning, model, input, timesteps, sigma));
        return switch (model.prediction()) {
            case EPSILON -> Latents.combine(x, output, (value, noise) -> value - sigma * noise);
            case V -> Latents.weighted(1 / variance, x, -sigma / Math.sqrt(variance), output);
        };
    }
}
