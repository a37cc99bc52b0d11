package dev.atelier.server.worker;

import dev.atelier.catalog.Model;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.Precision;
import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.training.FineTuning;
import dev.atelier.training.LoraNaming;
import dev.atelier.training.TrainingListener;
import dev.atelier.training.TrainingPlan;
import dev.atelier.training.TrainingStep;
import dev.atelier.training.data.CaptionRule;
import dev.atelier.training.objective.HuberWidth;
import dev.atelier.training.objective.MaskRule;
import dev.atelier.training.objective.NoiseShape;
import dev.atelier.training.objective.TimestepChoice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/** Trains models. What an interrupted training has done is kept, and the job's next attempt on this machine goes on with it. */
final class ModelTrainer {
    /** Encoding the pictures is a part of the work that is soon done. */
    private static final double PREPARATION = 0.05;

    private static final long PUBLISH_INTERVAL = TimeUnit.MILLISECONDS.toNanos(1000);
    private static final int SAMPLES = 8;

    private final ModelLibrary library;
    private final ObjectStore store;
    private final Path folder;

    /** @param folder for the state of trainings */
    ModelTrainer(ModelLibrary library, ObjectStore store, Path folder) {
        this.library = library;
        this.store = store;
        this.folder = folder;
    }

    JsonNode run(Job job, JobControl control) throws IOException {
        TrainTask task = Json.MAPPER.treeToValue(job.request(), TrainTask.class);
        Path state = folder.resolve(job.id());
        Path target = library.folder().resolve(task.file());
        Checkpoint model = library.shelf().resolve(task.model()).checkpoint();
        Path pictures = Files.createDirectories(state.resolve("pictures"));
        Files.createDirectories(target.toAbsolutePath().getParent());
        lay(task.pictures(), pictures);
        TrainReport report = new TrainReport(store, job.id(), state.resolve("samples"));
        try {
            FineTuning.run(model, plan(task, pictures, state, target), new Listener(control, report));
        } catch (RuntimeException e) {
            if (!control.goesOn(e)) {
                TrainingFolders.delete(state);
            }
            throw e;
        }
        report.publish();
        library.rescan();
        TrainingFolders.delete(state);
        return Json.MAPPER.valueToTree(new TrainResult(
                task.file(),
                library.catalog().find(task.file()).map(Model::id).orElse(null),
                task.steps(),
                report.lastLoss(),
                report.keys()));
    }

    private void lay(List<TrainTask.Picture> pictures, Path folder) throws IOException {
        for (int i = 0; i < pictures.size(); i++) {
            TrainTask.Picture picture = pictures.get(i);
            byte[] bytes = store.read(picture.key())
                    .orElseThrow(() -> new IllegalStateException("the picture %s is gone".formatted(picture.key())));
            String name = "%04d".formatted(i + 1);
            Files.write(folder.resolve(name + ".png"), bytes);
            if (!picture.caption().isBlank()) {
                Files.writeString(folder.resolve(name + ".txt"), picture.caption());
            }
        }
    }

    private static TrainingPlan plan(TrainTask task, Path pictures, Path state, Path target) {
        int side = task.side();
        TrainingPlan.Prior prior = task.classPrompt() == null
                ? null
                : new TrainingPlan.Prior(task.classPrompt(), state.resolve("class"), task.classPictures(), 1);
        return new TrainingPlan(
                switch (task.method()) {
                    case LORA -> new TrainingPlan.Lora(task.rank(), task.rank(), 0, false, task.textEncoder(), 0);
                    case DREAMBOOTH -> new TrainingPlan.Weights(task.textEncoder());
                },
                new TrainingPlan.Data(
                        pictures,
                        task.instancePrompt(),
                        side,
                        side,
                        true,
                        side / 2,
                        side * 2,
                        Math.clamp(side / 8, 8, 64) / 8 * 8,
                        true,
                        task.mirror(),
                        0,
                        false,
                        CaptionRule.NONE,
                        prior,
                        null),
                new TrainingPlan.Objective(
                        null,
                        List.of(),
                        NoiseShape.PLAIN,
                        TimestepChoice.Uniform.ALL,
                        TrainingPlan.Loss.L2,
                        new HuberWidth.Snr(0.1), // which L2 does not use
                        MaskRule.PLAIN,
                        1,
                        75),
                new TrainingPlan.Course(
                        task.steps(),
                        0,
                        task.batch(),
                        1,
                        task.rate(),
                        task.rate(),
                        TrainingPlan.Schedule.CONSTANT,
                        OptimizerSettings.DEFAULT,
                        1,
                        null,
                        false,
                        Precision.FULL,
                        task.seed()),
                new TrainingPlan.Saving(
                        target,
                        state,
                        DType.F16,
                        LoraNaming.KOHYA,
                        false,
                        String.valueOf(target.getFileName()),
                        false,
                        0,
                        0,
                        task.samplePrompts(),
                        task.sampleEvery() > 0 ? task.sampleEvery() : Math.max(1, task.steps() / SAMPLES)));
    }

    /** Tells the job's watchers how the training goes. */
    private static final class Listener implements TrainingListener {
        private final JobControl control;
        private final TrainReport report;
        private long published = System.nanoTime() - PUBLISH_INTERVAL;

        Listener(JobControl control, TrainReport report) {
            this.control = control;
            this.report = report;
        }

        @Override
        public void prepared(String task, int done, int total) {
            control.report(task.toLowerCase(Locale.ROOT), done, total, total == 0 ? 0 : PREPARATION * done / total);
        }

        @Override
        public void step(TrainingStep step) {
            report.add(step);
            if (System.nanoTime() - published >= PUBLISH_INTERVAL) {
                published = System.nanoTime();
                try {
                    report.publish();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            control.report(
                    "training",
                    step.step(),
                    step.steps(),
                    PREPARATION + (1 - PREPARATION) * step.step() / step.steps());
        }
    }
}
