package dev.atelier.training;

import java.util.concurrent.CancellationException;

/** Hears how a training goes. May throw {@link CancellationException} to stop it; its state is saved first. */
public interface TrainingListener {
    /** Called after every step. */
    void step(TrainingStep step);

    /** Called while something is got ready: {@code done} of {@code total} units of {@code task} are finished. */
    default void prepared(String task, int done, int total) {}

    /** Called for every picture that cannot be used, with the reason. */
    default void skipped(String what) {}

    /** Called after a measurement on pictures that are not trained on. */
    default void measured(TrainingStep step) {}

    /** Called before the first step with what is about to be done, line by line. */
    default void planned(String line) {}
}
