package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.training.FineTuning;
import dev.atelier.training.TrainingPlan;
import dev.atelier.training.setting.SettingOption;
import dev.atelier.training.setting.Settings;
import dev.atelier.training.setting.SettingsFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all fine-tunings have in common. Their options are the settings of the plan, see {@link TrainingOptions}. */
abstract class FineTuningCommand implements Callable<Integer> {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "A TOML or YAML file with options, by their names here or in the scripts of diffusers and kohya. Options"
                            + " given beside it go first.")
    private @Nullable Path config;

    @Mixin
    private Models models = new Models();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private final TrainingPlan.Kind kind;

    FineTuningCommand(TrainingPlan.Kind kind) {
        this.kind = kind;
    }

    TrainingPlan.Kind kind() {
        return kind;
    }

    @Override
    public Integer call() throws IOException {
        List<SettingOption> known = TrainingOptions.sections(this).values().stream()
                .flatMap(List::stream)
                .toList();
        Settings given = new Settings(TrainingOptions.given(spec.commandLine().getParseResult(), known));
        Settings all = config == null ? given : given.or(SettingsFile.read(config, known));
        TrainingOptions.Launch launch = all.read(TrainingOptions.Launch.class);
        TrainingPlan plan = TrainingPlan.of(kind, all.without(SettingOption.of(TrainingOptions.Launch.class)));
        Main.requireNew(plan.output().file(), launch.overwrite());
        Checkpoint checkpoint = launch.model() == null
                ? Checkpoints.open(Atelier.demoFile())
                : models.resolve(launch.model()).checkpoint();
        PrintWriter out = spec.commandLine().getOut();
        try (TrainingProcesses together = TrainingProcesses.start(
                        launch.processes(),
                        spec.root().commandLine().getParseResult().originalArgs());
                TrainingProgress progress =
                        new TrainingProgress(spec.commandLine().getErr(), together.leads())) {
            train(checkpoint, plan, together, progress);
        }
        out.println(plan.output().file());
        out.flush();
        return 0;
    }

    private static void train(
            Checkpoint checkpoint, TrainingPlan plan, TrainingProcesses together, TrainingProgress progress) {
        try {
            FineTuning.run(checkpoint, plan, together.workers(), progress);
        } catch (CancellationException e) {
            throw e;
        } catch (RuntimeException e) {
            throw together.reason(e);
        }
    }
}
