package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095) for the stochastic equation, in the variables of k-diffusion: the
 * time is −ln σ, so a step has the length h = ln(σ/σ'), and with noise it covers h·(1 + η) of the way.
 */
record DpmPlusPlus2MSde(Correction correction, FreshNoise noise) implements Sampler {

    /** How the change of D since the step before is used. */
    enum Correction {
        MIDPOINT {
            @Override
            double weight(double h) {
                return -Math.expm1(-h) / 2;
            }
        },
        HEUN {
            @Override
            double weight(double h) {
                return 1 + Math.expm1(-h) / h;
            }
        };

        abstract double weight(double h);
    }

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        int steps = sigmas.length - 1;
        FloatArray previous = x; // D of the step before; not read in the first step
        for (int i = 0; i < steps; i++) {
            FloatArray denoised = model.denoise(x, sigmas[i]);
            if (sigmas[i + 1] == 0) {
                x = denoised;
            } else {
                double h = Math.log((double) sigmas[i] / sigmas[i + 1]);
                double covered = h * (1 + noise.eta());
                x = Latents.weighted(Math.exp(-covered), x, -Math.expm1(-covered), denoised);
                if (i > 0) {
                    double r = Math.log((double) sigmas[i - 1] / sigmas[i]) / h;
                    double weight = correction.weight(covered) / r;
                    x = Latents.plus(x, weight, Latents.weighted(1, denoised, -1, previous));
                }
                double added = sigmas[i + 1] * Math.sqrt(-Math.expm1(-2 * noise.eta() * h));
                x = noise.addTo(x, added, sigmas[i], sigmas[i + 1]);
            }
            previous = denoised;
            listener.finished(i + 1, steps);
        }
        return x;
    }
}
