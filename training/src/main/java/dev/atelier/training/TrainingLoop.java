package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.torch.TorchTrainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;

/**
 * Steps until there are enough, with a state on disk from which to go on: every other minute, when the training is
 * stopped, and at the end. A state is one file that replaces the one before at once, so there is always a whole one.
 */
final class TrainingLoop {
    private static final long SAVE_EVERY_NANOS = 120_000_000_000L;

    private final Path state;
    private final LossLog log;
    private final int steps;
    private final TrainingListener listener;

    /** @param folder where state and losses of {@code stage} are kept */
    TrainingLoop(Path folder, String stage, int steps, TrainingListener listener) {
        this.state = folder.resolve(stage + "-state.safetensors");
        this.log = new LossLog(folder.resolve(stage + "-loss"));
        this.steps = steps;
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
            trainer.restore(Checkpoints.open(state));
            log.resume(trainer.step());
        }
        long saved = System.nanoTime();
        try {
            while (trainer.step() < steps) {
                TrainingStep step = stepper.apply(trainer.step());
                if (!Double.isFinite(step.loss()) || !Double.isFinite(step.norm())) {
                    throw new ArithmeticException("step %d of the %s: the loss is %s, the norm of its gradients %s;"
                                    .formatted(step.step(), step.stage(), step.loss(), step.norm())
                            + " a lower learning rate may help");
                }
                log.add(step);
                listener.step(step);
                if (System.nanoTime() - saved > SAVE_EVERY_NANOS) {
                    save(trainer);
                    saved = System.nanoTime();
                }
            }
        } catch (CancellationException e) {
            save(trainer);
            throw e;
        }
        save(trainer);
    }

    private void save(TorchTrainer trainer) {
        trainer.state().writeTo(state, Progress.NONE);
        log.write();
    }
}
