package dev.atelier.server.worker;

import dev.atelier.catalog.Model;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.training.FineTuning;
import dev.atelier.training.TrainingListener;
import dev.atelier.training.TrainingPlan;
import dev.atelier.training.TrainingStep;
import dev.atelier.training.setting.Settings;
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
        Settings settings = Settings.NONE
                .with("data", pictures)
                .with("prompt", task.instancePrompt())
                .with("resolution", task.side())
                .with("flip", task.mirror())
                .with("steps", task.steps())
                .with("batch", task.batch())
                .with("lr", task.rate())
                .with("seed", task.seed())
                .with("output", target)
                .with("state", state)
                .with("private", true)
                .with("sample", task.samplePrompts())
                .with(
                        "sample-every",
                        task.sampleEvery() > 0 ? task.sampleEvery() : Math.max(1, task.steps() / SAMPLES));
        if (task.classPrompt() != null) {
            settings = settings.with("class-prompt", task.classPrompt()).with("class-images", task.classPictures());
        }
        return switch (task.method()) {
            case LORA ->
                TrainingPlan.of(
                        TrainingPlan.Kind.LORA,
                        settings.with("rank", task.rank()).with("unet-only", !task.textEncoder()));
            case DREAMBOOTH ->
                TrainingPlan.of(TrainingPlan.Kind.DREAMBOOTH, settings.with("text-encoder", task.textEncoder()));
        };
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
