package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.torch.TorchTrainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;

/**
 * Steps until there are enough, with a state on disk from which to go on: every other minute, when the training is
 * stopped, and at the end. A state is one file that replaces the one before at once, so there is always a whole one.
 */
final class TrainingLoop {
    private static final long SAVE_EVERY_NANOS = 120_000_000_000L;
    private static final int MOST_TIME_FOR_SAVING = 20; // a twentieth
    private static final String SETTINGS = "atelier.settings.";

    private final Path state;
    private final LossLog log;
    private final int steps;
    private final int saveEvery;
    private final Map<String, String> settings;
    private final boolean leads;
    private final TrainingListener listener;

    /** @param folder where state and losses of {@code stage} are kept */
    TrainingLoop(Path folder, String stage, int steps, TrainingListener listener) {
        this(folder, stage, steps, 0, Map.of(), true, listener);
    }

    /**
     * @param folder where state and losses of {@code stage} are kept
     * @param saveEvery save after every so many steps; 0 for by the clock
     * @param settings what a state must have been made with to go on from it
     * @param leads whether this process writes files; where several train together, one does
     */
    TrainingLoop(
            Path folder,
            String stage,
            int steps,
            int saveEvery,
            Map<String, String> settings,
            boolean leads,
            TrainingListener listener) {
        this.state = folder.resolve(stage + "-state.safetensors");
        this.log = new LossLog(folder.resolve(stage + "-loss"));
        this.steps = steps;
        this.saveEvery = saveEvery;
        this.settings = settings;
        this.leads = leads;
        this.listener = listener;
    }

    /**
     * Goes on from the state on disk, if there is one.
     *
     * @param stepper makes the step of a number, counted from 0: adds up gradients and updates the weights
     * @throws CancellationException if the listener says so; the state is saved before
     * @throws ArithmeticException if a loss or gradient is not finite; the last saved state stays
     */
    void run(TorchTrainer trainer, IntFunction<TrainingStep> stepper) {
        if (Files.exists(state)) {
            Checkpoint saved = Checkpoints.open(state);
            requireSame(saved.metadata());
            trainer.restore(saved);
            log.resume(trainer.step());
        }
        LossLog.prepare();
        long saved = System.nanoTime();
        long pause = SAVE_EVERY_NANOS;
        try (log) {
            while (trainer.step() < steps) {
                TrainingStep step = stepper.apply(trainer.step());
                if (!Double.isFinite(step.loss()) || !Double.isFinite(step.norm())) {
                    throw new ArithmeticException("step %d of the %s: the loss is %s, the norm of its gradients %s;"
                                    .formatted(step.step(), step.stage(), step.loss(), step.norm())
                            + " a lower learning rate may help");
                }
                if (leads) {
                    log.add(step);
                }
                listener.step(step);
                boolean due = saveEvery > 0 ? trainer.step() % saveEvery == 0 : System.nanoTime() - saved > pause;
                if (due && trainer.step() < steps) {
                    long start = System.nanoTime();
                    save(trainer);
                    saved = System.nanoTime();
                    pause = Math.max(SAVE_EVERY_NANOS, MOST_TIME_FOR_SAVING * (saved - start));
                }
            }
        } catch (CancellationException e) {
            save(trainer);
            throw e;
        }
        save(trainer);
    }

    /** @throws IllegalArgumentException naming what differs */
    private void requireSame(Map<String, String> saved) {
        settings.forEach((name, value) -> {
            String before = saved.getOrDefault(SETTINGS + name, value);
            if (!before.equals(value)) {
                throw new IllegalArgumentException(
                        "%s was made with another setting, %s: %s, and now it is %s; go on with the old one, or begin anew in another folder"
                                .formatted(state, name, before, value));
            }
        });
    }

    private void save(TorchTrainer trainer) {
        if (!leads) {
            return;
        }
        Checkpoint now = trainer.state();
        Map<String, String> metadata = new LinkedHashMap<>(now.metadata());
        settings.forEach((name, value) -> metadata.put(SETTINGS + name, value));
        log.writeTable(); // first: rows that are too many are forgotten later, those that are missing are lost
        now.withMetadata(metadata).writeTo(state, Progress.NONE);
        log.draw();
    }
}
