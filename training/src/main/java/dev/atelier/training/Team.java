package dev.atelier.training;

import dev.atelier.engine.torch.WorkerGroup;
import org.jspecify.annotations.Nullable;

/**
 * The processes that train together.
 *
 * @param workers null for this one alone
 */
record Team(@Nullable WorkerGroup workers) {
    /** Whether this process does all the writing. */
    boolean leads() {
        return workers == null || workers.leads();
    }

    /** Which of them this is, counted from 0. */
    int rank() {
        return workers == null ? 0 : workers.place().rank();
    }

    int size() {
        return workers == null ? 1 : workers.place().size();
    }

    /** Waits until all others wait as well. */
    void await() {
        if (workers != null) {
            workers.await();
        }
    }

    /** The mean of what all of them have. */
    double mean(double own) {
        return workers == null ? own : workers.mean(own);
    }
}
