package dev.atelier.cli;

import dev.atelier.server.WorkOptions;
import dev.atelier.server.job.Worker;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What servers and workers have in common. */
final class WorkplaceOptions {
    @Option(
            names = "--models",
            paramLabel = "DIR",
            defaultValue = "models",
            description = "Checkpoints, in folders or not. Default: ${DEFAULT-VALUE}.")
    private Path models = Path.of("");

    @Mixin
    private StorageOptions storage = new StorageOptions();

    @Option(
            names = "--workers",
            paramLabel = "N",
            defaultValue = "1",
            description = "Pictures to draw at the same time, each with a model of its own in memory; 0 leaves them to "
                    + "\"atelier worker\". Default: ${DEFAULT-VALUE}.")
    private int workers;

    @Mixin
    private EngineChoice engine = new EngineChoice();

    @Option(
            names = "--log",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "text, or json: an object a line. Default: ${DEFAULT-VALUE}.")
    private LogFormat log = LogFormat.TEXT;

    private enum LogFormat {
        TEXT,
        JSON
    }

    /** Also sets the format of the log, which is read when the first line is logged. */
    WorkOptions options() {
        System.setProperty("atelier.log", log.name().toLowerCase(Locale.ROOT));
        return new WorkOptions(
                storage.storage(), models, workers, engine.engine(), engine.torch(), Worker.Pace.STANDARD);
    }
}
