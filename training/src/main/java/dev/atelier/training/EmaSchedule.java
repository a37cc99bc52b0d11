package dev.atelier.training;

/** How much of the moving average of the weights stays at each update: little at first, so that it forgets the start. */
sealed interface EmaSchedule {
    /** At an update, counted from 1; between 0 and 1. */
    double decay(int update);

    /** CompVis' {@code LitEma}, and the decay that OneTrainer has. */
    record LitEma(double decay) implements EmaSchedule {
        @Override
        public double decay(int update) {
            return Math.min(decay, (1.0 + update) / (10.0 + update));
        }
    }

    /**
     * diffusers' {@code EMAModel}.
     *
     * @param least what it never falls below after it has begun
     * @param after how many updates the average just follows the weights
     */
    record Diffusers(double decay, double least, int after) implements EmaSchedule {
        @Override
        public double decay(int update) {
            int counted = update - after - 1;
            return counted <= 0 ? 0 : Math.clamp((1.0 + counted) / (10.0 + counted), least, decay);
        }
    }

    /**
     * diffusers' {@code EMAModel} with {@code use_ema_warmup}.
     *
     * @param power 2/3 for long runs, 3/4 for short ones
     * @param inverseGamma stretches the warm-up
     */
    record Warmup(double decay, double least, int after, double inverseGamma, double power) implements EmaSchedule {
        @Override
        public double decay(int update) {
            int counted = update - after - 1;
            return counted <= 0 ? 0 : Math.clamp(1 - Math.pow(1 + counted / inverseGamma, -power), least, decay);
        }
    }

    /** The same at every update. */
    record Constant(double decay) implements EmaSchedule {
        @Override
        public double decay(int update) {
            return decay;
        }
    }
}
