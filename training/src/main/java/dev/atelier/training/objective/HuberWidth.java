package dev.atelier.training.objective;

/** Where a Huber loss bends from square to straight, timestep by timestep: kohya's {@code huber_schedule}. */
public sealed interface HuberWidth {
    /**
     * @param timestep in [0, 999]
     * @param alpha ᾱ of that timestep
     */
    double at(int timestep, double alpha);

    /** The same everywhere. */
    record Constant(double width) implements HuberWidth {
        @Override
        public double at(int timestep, double alpha) {
            return width;
        }
    }

    /** From 1 down to {@code width} after the last timestep, times {@code scale}. */
    record Exponential(double width, double scale) implements HuberWidth {
        @Override
        public double at(int timestep, double alpha) {
            return Math.exp(Math.log(width) * timestep / TimestepChoice.TIMESTEPS) * scale;
        }
    }

    /** From about 1 where there is little noise down to {@code width}; kohya's default, with a width of 0.1. */
    record Snr(double width) implements HuberWidth {
        @Override
        public double at(int timestep, double alpha) {
            double sigma = Math.sqrt((1 - alpha) / alpha);
            return (1 - width) / ((1 + sigma) * (1 + sigma)) + width;
        }
    }
}
