package dev.atelier.server.job;

import java.time.Instant;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What ties a running job to its row: progress goes down, wishes come up. For one thread. */
public final class JobControl {
    // how often the row is written and read; a job may report as often as it likes
    private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(200);

    private static final long PREVIEW_INTERVAL = TimeUnit.MILLISECONDS.toNanos(500);

    private final Jobs jobs;
    private final Job job;
    private JobProgress progress = JobProgress.NONE;
    private byte @Nullable [] preview;
    private @Nullable Wish wish;
    private long exchanged = System.nanoTime();
    private long previewed = System.nanoTime();

    JobControl(Jobs jobs, Job job) {
        this.jobs = jobs;
        this.job = job;
    }

    /** The worker shuts down; the job will be done by another. */
    static final class ShutdownException extends RuntimeException {}

    /** This worker was silent for so long that another runs the job. */
    static final class TakenOverException extends RuntimeException {}

    /**
     * Says how far the job is.
     *
     * @param fraction of the whole job, 0 to 1
     * @throws CancellationException if somebody cancelled the job
     */
    public void report(String phase, int done, int total, double fraction) {
        progress = new JobProgress(phase, done, total, Math.clamp(fraction, 0, 1), progress.previews());
        exchange();
    }

    /** Shows what the result looks like so far. */
    public void preview(byte[] png) {
        previewed = System.nanoTime();
        preview = png;
        progress = new JobProgress(
                progress.phase(), progress.done(), progress.total(), progress.fraction(), progress.previews() + 1);
    }

    /** Whether a preview would be seen: drawing more of them than that is wasted. */
    public boolean wantsPreview() {
        return System.nanoTime() - previewed >= PREVIEW_INTERVAL;
    }

    /**
     * What somebody asked for: to interrupt or to skip. A wish is granted once.
     *
     * @throws CancellationException if somebody cancelled the job
     */
    public @Nullable Wish takeWish() {
        exchange();
        Wish taken = wish;
        if (taken != null) {
            wish = null;
            jobs.table().wish(job.id(), null);
        }
        return taken;
    }

    /** Whether a job that ends with this will be gone on with, here or elsewhere. */
    public boolean goesOn(Exception failure) {
        return failure instanceof ShutdownException
                || failure instanceof TakenOverException
                || Thread.currentThread().isInterrupted();
    }

    private void exchange() {
        if (Thread.currentThread().isInterrupted()) {
            throw new ShutdownException();
        }
        if (System.nanoTime() - exchanged < INTERVAL) {
            return;
        }
        exchanged = System.nanoTime();
        wish = jobs.table().asked(job).orElseThrow(TakenOverException::new).wish();
        jobs.table().progress(job.id(), progress, preview, Instant.now());
        preview = null;
        jobs.announce();
        if (wish == Wish.CANCEL) {
            throw new CancellationException("cancelled");
        }
    }
}
