package dev.atelier.cli;

import dev.atelier.Engine;
import dev.atelier.ModelOptions;
import dev.atelier.engine.torch.TorchSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What computes. */
final class EngineChoice {
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

    /** With nothing but the engine. */
    ModelOptions options() {
        TorchSettings settings = torch();
        return settings == null ? ModelOptions.DEFAULT.engine(engine()) : ModelOptions.DEFAULT.torch(settings);
    }

    Engine engine() {
        return engine != null ? engine : torch() == null ? Engine.ONNX : Engine.TORCH;
    }

    /** @throws IllegalArgumentException if they are given for another engine */
    @Nullable
    TorchSettings torch() {
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
