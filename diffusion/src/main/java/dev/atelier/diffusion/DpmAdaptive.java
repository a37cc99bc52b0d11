package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;

/**
 * DPM-Solver-23 (Lu et al. 2022, arXiv 2206.00927, appendix C): steps of order 3 whose length follows from the
 * difference to a step of order 2. Of its noise levels only the ends count. With η as {@link DpmFast} has it.
 */
record DpmAdaptive(FreshNoise noise) implements Sampler {
    private static final double THIRD = 1.0 / 3;

    // k-diffusion's defaults; the tolerances are the paper's for pictures with values in [-1, 1]
    private static final double RELATIVE_TOLERANCE = 0.05;
    private static final double ABSOLUTE_TOLERANCE = 0.0078;
    private static final double FIRST_STEP = 0.05;
    private static final double ACCEPTED_FACTOR = 0.81;
    private static final double CLOSE_ENOUGH = 1e-5;
    private static final double ORDER = 3;
    private static final double STOCHASTIC_ORDER = 1.5;

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        DpmSolver solver = new DpmSolver(model);
        int steps = sigmas.length - 1;
        double start = -Math.log(sigmas[0]);
        double end = -Math.log(sigmas[steps]);
        double order = noise.eta() > 0 ? STOCHASTIC_ORDER : ORDER;

        FloatArray previous = x;
        double t = start;
        double h = FIRST_STEP;
        while (t < end - CLOSE_ENOUGH) {
            double next = Math.min(end, t + h);
            double to = DpmSolver.beyond(next, end, t, noise);
            double middle = t + (to - t) * THIRD;
            double late = t + (to - t) * 2 * THIRD;
            FloatArray e = solver.noise(x, t);
            FloatArray e1 = solver.noise(DpmSolver.first(x, t, middle, e), middle);
            FloatArray e2 = solver.noise(DpmSolver.third(x, t, late, e, 0.5, e1), late);
            FloatArray low = DpmSolver.second(x, t, to, e, THIRD, e1);
            FloatArray high = DpmSolver.third(x, t, to, e, 2 * THIRD, e2);

            // an integral controller, limited to factors between 0.21 and 2.57
            double error = error(low, high, previous);
            if (Double.isNaN(error)) {
                throw new ArithmeticException("the latent is not finite any more, so no step is small enough");
            }
            double factor = 1 + Math.atan(Math.pow(error + 1e-8, -1 / order) - 1);
            h *= factor;
            if (factor >= ACCEPTED_FACTOR) {
                previous = low;
                x = DpmSolver.back(high, to, next, t, noise);
                t = next;
                // nobody knows how many steps there will be: the share of the way stands for them
                listener.finished((int) Math.round(steps * (t - start) / (end - start)), steps);
            }
        }
        return x;
    }

    /** The root mean square of the difference in units of the tolerance, over all images of the batch together. */
    private static double error(FloatArray low, FloatArray high, FloatArray previous) {
        double sum = 0;
        for (int i = 0; i < low.values().length; i++) {
            double size = Math.max(Math.abs(low.values()[i]), Math.abs(previous.values()[i]));
            double tolerance = Math.max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * size);
            double error = ((double) low.values()[i] - high.values()[i]) / tolerance;
            sum += error * error;
        }
        return Math.sqrt(sum / low.values().length);
    }
}
