package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DPM-Solver++ (Lu et al. 2022, arXiv 2211.01095) for the stochastic equation with two steps remembered, as k-diffusion
 * has it. The time is −ln σ, so a step has the length h = ln(σ/σ'), and with noise it covers h·(1 + η) of the way.
 */
record DpmPlusPlus3MSde(FreshNoise noise) implements Sampler {

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        Recent denoised = new Recent(3);
        for (int i = 0; i < steps; i++) {
            denoised.add(model.denoise(x, sigmas[i]));
            if (sigmas[i + 1] == 0) {
                x = denoised.ago(0);
            } else {
                double h = Math.log((double) sigmas[i] / sigmas[i + 1]);
                double covered = h * (1 + noise.eta());
                double phi2 = Math.expm1(-covered) / covered + 1;
                double phi3 = phi2 / covered - 0.5;
                x = Latents.weighted(Math.exp(-covered), x, -Math.expm1(-covered), denoised.ago(0));
                if (i == 1) {
                    x = Latents.plus(x, phi2, change(denoised, 0, r(sigmas, i, h)));
                } else if (i > 1) {
                    double r0 = r(sigmas, i, h);
                    double r1 = r(sigmas, i - 1, h);
                    FloatArray change = change(denoised, 0, r0);
                    FloatArray bend = Latents.weighted(1, change, -1, change(denoised, 1, r1));
                    x = Latents.plus(x, phi2, Latents.plus(change, r0 / (r0 + r1), bend));
                    x = Latents.plus(x, -phi3 / (r0 + r1), bend);
                }
                double added = sigmas[i + 1] * Math.sqrt(-Math.expm1(-2 * noise.eta() * h));
                x = noise.addTo(x, added, sigmas[i], sigmas[i + 1]);
            }
            listener.finished(i + 1, steps);
        }
        return x;
    }

    /** The length of the step before step i, in units of h. */
    private static double r(float[] sigmas, int i, double h) {
        return Math.log((double) sigmas[i - 1] / sigmas[i]) / h;
    }

    /** How fast D changed over a step of length r. */
    private static FloatArray change(Recent denoised, int ago, double r) {
        return Latents.weighted(1 / r, denoised.ago(ago), -1 / r, denoised.ago(ago + 1));
    }
}
