package dev.atelier.server.job;

import java.time.Duration;
import java.util.Optional;

/** A worker of this process. It may take a job at once, and need not wait until it finds its ticket in the database. */
interface Taker {
    Lane lane();

    /** There is a new ticket. */
    void wake();

    /** A bench that is free, and kept for one job from now on; empty if there is none. */
    Optional<Place> reserve();

    /** How long a ticket of a job that was taken at once is hidden from other workers, unless that is renewed. */
    Duration lease();

    /** A bench that waits for its job. One of the last three is called, once. */
    interface Place {
        /** The worker's name. */
        String worker();

        /** Runs a job that has begun in the name of this worker. */
        void run(Job begun);

        /** Runs whichever job's turn it is. */
        void take(String ticket);

        void release();
    }
}
