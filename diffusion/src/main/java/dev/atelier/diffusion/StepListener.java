package dev.atelier.diffusion;

/** Hears of each step that a sampler has finished. Whatever it throws ends the run and reaches the caller. */
@FunctionalInterface
public interface StepListener {

    /** @param step 1 after the first step, {@code steps} after the last */
    void finished(int step, int steps);
}
