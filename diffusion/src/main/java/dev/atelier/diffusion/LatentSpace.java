package dev.atelier.diffusion;

/** How a sampler's papers and AUTOMATIC1111 scale a noisy latent, which shows in where a run starts and ends. */
enum LatentSpace {
    /** x0 + σ·ε: a run starts from pure noise, without the picture's own spread. */
    VARIANCE_EXPLODING {
        @Override
        double start(double sigma) {
            return sigma;
        }

        @Override
        double end(double sigma) {
            return 1;
        }
    },

    /** (x0 + σ·ε)/√(1 + σ²), whose variance is 1 at every noise level: pure noise already has the right spread. */
    VARIANCE_PRESERVING {
        @Override
        double start(double sigma) {
            return Math.sqrt(1 + sigma * sigma);
        }

        @Override
        double end(double sigma) {
            return 1 / Math.sqrt(1 + sigma * sigma);
        }
    };

    /** What unit noise is multiplied with to be a latent x0 + σ·ε at the first noise level. */
    abstract double start(double sigma);

    /** What a latent x0 + σ·ε at the last noise level is multiplied with to be what the decoder gets. */
    abstract double end(double sigma);
}
