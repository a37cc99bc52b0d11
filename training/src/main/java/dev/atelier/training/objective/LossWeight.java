package dev.atelier.training.objective;

import dev.atelier.checkpoint.PredictionType;

/** How much the error at a timestep counts, by how much signal there is in the noise. Several may be multiplied. */
public sealed interface LossWeight {
    /** Debiased and v-like weights take no more signal than this into account. */
    double MOST_SIGNAL = 1000;

    /** @param snr the signal-to-noise ratio ᾱ / (1 − ᾱ) of the timestep; 0 for pure noise */
    double at(double snr, PredictionType prediction);

    /** All timesteps alike. */
    record Equal() implements LossWeight {
        @Override
        public double at(double snr, PredictionType prediction) {
            return 1;
        }
    }

    /**
     * Caps how much a timestep counts that is easy to denoise (Hang et al. 2023, "Efficient Diffusion Training via Min-SNR
     * Weighting Strategy").
     *
     * @param gamma the cap; 5 in the paper, and the lower the stronger
     */
    record MinSnr(double gamma) implements LossWeight {
        @Override
        public double at(double snr, PredictionType prediction) {
            return switch (prediction) {
                case EPSILON -> snr <= gamma ? 1 : gamma / snr;
                case V -> Math.min(snr, gamma) / (snr + 1);
            };
        }
    }

    /** The same with a bend in place of the corner (Crowson et al. 2024, "Scalable High-Resolution Pixel-Space Image Synthesis"). */
    record SoftMinSnr(double gamma) implements LossWeight {
        @Override
        public double at(double snr, PredictionType prediction) {
            return switch (prediction) {
                case EPSILON -> 1 / (snr / gamma + 1);
                case V -> snr / (snr / gamma + 1) / (snr + 1);
            };
        }
    }

    /**
     * Counts noisy timesteps more (Yu et al. 2023, "Unmasking Bias in Diffusion Model Training"). For v as kohya has it.
     * Triples the mean of an epsilon loss, so the learning rate wants to be lower.
     */
    record Debiased() implements LossWeight {
        @Override
        public double at(double snr, PredictionType prediction) {
            double capped = Math.min(snr, MOST_SIGNAL);
            return switch (prediction) {
                case EPSILON -> 1 / Math.sqrt(capped);
                case V -> 1 / (capped + 1);
            };
        }
    }

    /** Choi et al. 2022, "Perception Prioritized Training of Diffusion Models". For v as OneTrainer has it. */
    record P2(double gamma) implements LossWeight {
        @Override
        public double at(double snr, PredictionType prediction) {
            return switch (prediction) {
                case EPSILON -> Math.pow(1 + snr, -gamma);
                case V -> Math.pow(2 + snr, -gamma);
            };
        }
    }

    /** Weighs a v loss as if it were of the noise: kohya's {@code scale_v_pred_loss_like_noise_pred}. */
    record VLikeNoise() implements LossWeight {
        @Override
        public double at(double snr, PredictionType prediction) {
            return prediction == PredictionType.V ? share(snr) : 1;
        }
    }

    /** Adds a share of what the loss would be if it were of v: kohya's {@code v_pred_like_loss}. For epsilon. */
    record NoiseLikeV(double share) implements LossWeight {
        @Override
        public double at(double snr, PredictionType prediction) {
            return prediction == PredictionType.EPSILON ? 1 + share / LossWeight.share(snr) : 1;
        }
    }

    private static double share(double snr) {
        double capped = Math.min(snr, MOST_SIGNAL);
        return capped / (capped + 1);
    }
}
