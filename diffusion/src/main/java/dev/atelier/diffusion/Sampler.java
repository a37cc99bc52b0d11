package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * A way of solving the diffusion equation from noise to picture. All of them, also those that their papers write in
 * another space, work on latents {@code x0 + σ·noise}, as k-diffusion's do.
 */
public sealed interface Sampler
        permits DdimCfgPlusPlus,
                Deis,
                Dpm2,
                Dpm2Ancestral,
                DpmAdaptive,
                DpmFast,
                DpmPlusPlus2M,
                DpmPlusPlus2MCfgPlusPlus,
                DpmPlusPlus2MSde,
                DpmPlusPlus2SAncestral,
                DpmPlusPlus3MSde,
                DpmPlusPlusSde,
                Euler,
                EulerAncestral,
                Heun,
                HeunPlusPlus,
                ImprovedPndm,
                Lcm,
                LinearMultistep,
                Plms,
                Restart,
                Tcd,
                UniPc {

    /**
     * @param x noise of standard deviation {@code sigmas[0]}, {@code [n, channels, h, w]}
     * @param sigmas falling noise levels, one more than there are steps; only the last may be 0
     * @param listener hears of each finished step, and may throw to end the run
     * @return the latent at the last noise level, of the shape of {@code x}
     */
    FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener);
}
