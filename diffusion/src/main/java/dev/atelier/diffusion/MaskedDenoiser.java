package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a part of a picture while the rest is drawn, where AUTOMATIC1111 does: in what comes out of the network, or for
 * samplers whose latents have a variance of 1 in what goes in.
 *
 * @param picture the latents of the picture, of the shape of the latents
 * @param drawn how much of each cell is drawn, 0 to 1, of the same shape
 * @param soft how both are mixed; null for as much of each as the cell says
 */
record MaskedDenoiser(
        Denoiser network,
        LatentSpace space,
        NoiseSchedule schedule,
        FloatArray picture,
        FloatArray drawn,
        @Nullable SoftInpainting soft)
        implements Denoiser {

    @Override
    public FloatArray denoise(FloatArray x, float sigma) {
        return switch (space) {
            case VARIANCE_EXPLODING -> blend(network.denoise(x, sigma), sigma);
            case VARIANCE_PRESERVING -> {
                FloatArray blended = blendNoisy(x, sigma);
                yield shifted(network.denoise(blended, sigma), x, blended);
            }
        };
    }

    @Override
    public Guided guide(FloatArray x, float sigma) {
        return switch (space) {
            case VARIANCE_EXPLODING -> {
                Guided guided = network.guide(x, sigma);
                yield new Guided(blend(guided.denoised(), sigma), guided.unconditional());
            }
            case VARIANCE_PRESERVING -> {
                FloatArray blended = blendNoisy(x, sigma);
                Guided guided = network.guide(blended, sigma);
                yield new Guided(shifted(guided.denoised(), x, blended), shifted(guided.unconditional(), x, blended));
            }
        };
    }

    private FloatArray blend(FloatArray latents, float sigma) {
        if (soft == null) {
            return blend(latents);
        }
        boolean goesBySigma = space == LatentSpace.VARIANCE_EXPLODING;
        return soft.blend(picture, latents, drawn, goesBySigma ? sigma : schedule.timestep(sigma));
    }

    /** What comes of the last step; the soft way mixes it in the finished picture. */
    FloatArray finish(FloatArray latents) {
        return soft == null ? blend(latents) : latents;
    }

    /** The picture where it is kept, {@code latents} where it is drawn. */
    private FloatArray blend(FloatArray latents) {
        return Latents.plus(
                Latents.combine(latents, drawn, (value, share) -> value * share),
                1,
                Latents.combine(picture, drawn, (value, share) -> value * (1 - share)));
    }

    /** The picture goes in without noise, at the scale of latents with a variance of 1. */
    private FloatArray blendNoisy(FloatArray x, float sigma) {
        double scale = space.start(sigma);
        return Latents.scale(blend(Latents.scale(x, (float) (1 / scale)), sigma), (float) scale);
    }

    /** What the sampler needs so that it sees the noise that the network saw, in its own latent. */
    private static FloatArray shifted(FloatArray denoised, FloatArray x, FloatArray seen) {
        return Latents.plus(denoised, 1, Latents.weighted(1, x, -1, seen));
    }
}
