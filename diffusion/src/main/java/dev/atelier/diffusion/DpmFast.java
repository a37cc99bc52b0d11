package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.Arrays;

/**
 * DPM-Solver-fast (Lu et al. 2022, arXiv 2206.00927, appendix D.4): steps of order 3 at even distances in ln σ, and of
 * a lower order at the end, so that the network is called as often as there are steps. Of its noise levels only the
 * ends and the number count. With η as k-diffusion has it: each step goes on to σ_down and returns with fresh noise.
 */
record DpmFast(FreshNoise noise) implements Sampler {
    private static final double THIRD = 1.0 / 3;

    @Override
    public FloatArray sample(Denoiser model, FloatArray x, float[] sigmas, StepListener listener) {
        DpmSolver solver = new DpmSolver(model);
        double start = -Math.log(sigmas[0]);
        double end = -Math.log(sigmas[sigmas.length - 1]);
        int[] orders = orders(sigmas.length - 1);
        for (int i = 0; i < orders.length; i++) {
            double t = start + (end - start) * i / orders.length;
            double next = i + 1 < orders.length ? start + (end - start) * (i + 1) / orders.length : end;
            double to = DpmSolver.beyond(next, end, t, noise);
            x = step(solver, x, t, to, orders[i]);
            x = DpmSolver.back(x, to, next, t, noise);
            listener.finished(i + 1, orders.length);
        }
        return x;
    }

    /** {@code 3, 3, …, 3, 2, 1} where three divides the number of calls, else {@code 3, 3, …, 3} and the remainder. */
    private static int[] orders(int calls) {
        int[] orders = new int[calls / 3 + 1];
        Arrays.fill(orders, 3);
        if (calls % 3 == 0) {
            orders[orders.length - 2] = 2;
            orders[orders.length - 1] = 1;
        } else {
            orders[orders.length - 1] = calls % 3;
        }
        return orders;
    }

    private static FloatArray step(DpmSolver solver, FloatArray x, double t, double to, int order) {
        double h = to - t;
        FloatArray e = solver.noise(x, t);
        if (order == 1) {
            return DpmSolver.first(x, t, to, e);
        }
        if (order == 2) {
            FloatArray e1 = solver.noise(DpmSolver.first(x, t, t + h / 2, e), t + h / 2);
            return DpmSolver.second(x, t, to, e, 0.5, e1);
        }
        FloatArray e1 = solver.noise(DpmSolver.first(x, t, t + h * THIRD, e), t + h * THIRD);
        FloatArray e2 = solver.noise(DpmSolver.third(x, t, t + h * 2 * THIRD, e, 0.5, e1), t + h * 2 * THIRD);
        return DpmSolver.third(x, t, to, e, 2 * THIRD, e2);
    }
}
