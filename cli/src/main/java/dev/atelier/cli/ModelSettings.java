package dev.atelier.cli;

import dev.atelier.ModelOptions;
import dev.atelier.checkpoint.PredictionType;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a model is loaded, where its file is not to decide. */
final class ModelSettings {
    @Option(
            names = "--vae",
            paramLabel = "FILE",
            description = "Decode with the VAE of this file, a VAE on its own or a checkpoint. Default: the model's.")
    private @Nullable Path vae;

    @Option(
            names = "--prediction",
            paramLabel = "TYPE",
            description = "What the model predicts, epsilon or v. Default: what its metadata, a .yaml file beside it or"
                    + " a try-out says.")
    private @Nullable PredictionType prediction;

    @Option(
            names = "--zero-snr",
            negatable = true,
            description = "Sample down from pure noise (zero terminal signal-to-noise ratio), or not."
                    + " Default: as the model is marked.")
    private @Nullable Boolean zeroSnr;

    @Mixin
    private EngineChoice engine = new EngineChoice();

    @Option(
            names = "--hires-model",
            paramLabel = "FILE",
            description = "A checkpoint that draws the second pass of --hires. Default: the same.")
    private @Nullable Path hires;

    @Option(
            names = "--refiner",
            paramLabel = "FILE",
            description = "A second checkpoint that finishes the picture, such as SDXL's refiner.")
    private @Nullable Path refiner;

    @Option(
            names = "--embeddings",
            paramLabel = "FOLDER",
            description = "Embeddings (textual inversions) that prompts may name; may be given several times."
                    + " Those in folders called \"embeddings\" below --models are found without.")
    private List<Path> embeddings = List.of();

    @Option(
            names = "--loras",
            paramLabel = "FOLDER",
            description = "LoRAs that prompts may name, as in <lora:style:0.6>; may be given several times."
                    + " Those below --models are found without.")
    private List<Path> loras = List.of();

    @Option(
            names = "--taesd",
            paramLabel = "FILE",
            description = "The TAESD decoder that makes the pictures of --preview. Default: taesd_decoder or"
                    + " taesdxl_decoder in --models, or else colours alone.")
    private @Nullable Path previewDecoder;

    /** @param models where models of all kinds lie */
    ModelOptions options(List<Path> models) {
        return engine.options()
                .vae(vae)
                .prediction(prediction)
                .zeroTerminalSnr(zeroSnr)
                .hires(hires)
                .refiner(refiner)
                .embeddings(embeddings)
                .loras(loras)
                .previewDecoder(previewDecoder)
                .models(models);
    }
}
