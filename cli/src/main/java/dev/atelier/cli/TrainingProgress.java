package dev.atelier.cli;

import dev.atelier.training.TrainingListener;
import dev.atelier.training.TrainingStep;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;

/** A bar for each stage of a training. Ctrl-C stops the training after the step it is at, and waits until it is saved. */
final class TrainingProgress implements TrainingListener, AutoCloseable {
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread onExit = new Thread(this::stop);
    private final PrintWriter err;
    private final boolean leads;
    private volatile boolean stopping;
    private String task = "";
    private Bar bar = Bar.of("", "");

    /**
     * @param err where what a user should know is said
     * @param leads whether this process stops by itself; others that train with it go on until it has
     */
    TrainingProgress(PrintWriter err, boolean leads) {
        this.err = err;
        this.leads = leads;
        Runtime.getRuntime().addShutdownHook(onExit);
    }

    private void stop() {
        stopping = true;
        if (leads) {
            err.println("atelier: stopping; the same command goes on from here");
            err.flush();
        }
        try {
            finished.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void step(TrainingStep step) {
        show("Training the " + step.stage(), step.step(), step.steps());
        bar.message(String.format(Locale.ROOT, "loss %.4f", step.loss()));
    }

    @Override
    public void prepared(String what, int done, int total) {
        show(what.substring(0, 1).toUpperCase(Locale.ROOT) + what.substring(1), done, total);
    }

    @Override
    public void skipped(String what) {
        err.println("atelier: skipped " + what);
    }

    @Override
    public void planned(String line) {
        if (leads) {
            err.println(line);
        }
    }

    @Override
    public void measured(TrainingStep step) {
        err.printf(Locale.ROOT, "validation loss after %d steps: %.4f%n", step.step(), step.loss());
    }

    private void show(String what, int done, int total) {
        if (stopping && leads) {
            throw new CancellationException("stopped");
        }
        if (!what.equals(task)) {
            bar.close();
            task = what;
            bar = Bar.of(what, "");
        }
        bar.update(done, total);
    }

    @Override
    public void close() {
        bar.close();
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException _) {
            // the program is ending already and the hook runs
        }
    }
}
