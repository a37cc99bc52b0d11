package dev.atelier.cli;

import dev.atelier.Engine;
import dev.atelier.engine.torch.TorchSettings;
import dev.atelier.server.WorkOptions;
import dev.atelier.server.job.Worker;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
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

    @Option(
            names = "--engine",
            paramLabel = "NAME",
            description = "onnx (ONNX Runtime) or torch (libtorch). Default: onnx, or torch where --device or --dtype"
                    + " is given.")
    private @Nullable Engine engine;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            description = "Where libtorch computes: cpu, cuda, or cuda:1 for the second NVIDIA card. Default: cpu.")
    private @Nullable String device;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "In what libtorch computes: fp32, tf32, bf16 or fp16; the VAE always in fp32. Default: fp32.")
    private TorchSettings.@Nullable Precision dtype;

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
        TorchSettings torch = torch();
        Engine chosen = engine != null ? engine : torch == null ? Engine.ONNX : Engine.TORCH;
        return new WorkOptions(storage.storage(), models, workers, chosen, torch, Worker.Pace.STANDARD);
    }

    private @Nullable TorchSettings torch() {
        if (device == null && dtype == null) {
            return null;
        }
        if (engine == Engine.ONNX) {
            throw new IllegalArgumentException("--device and --dtype are settings of libtorch: --engine torch");
        }
        return new TorchSettings(
                device == null ? TorchSettings.DEFAULT.device() : device,
                dtype == null ? TorchSettings.DEFAULT.precision() : dtype);
    }
}
