package dev.atelier.cli;

import dev.atelier.engine.onnx.OnnxExport;
import dev.atelier.model.StableDiffusion;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "export",
        description = {
            "Writes a checkpoint's networks for another program.",
            "",
            "onnx: text_encoder/, unet/, vae_decoder/ and vae_encoder/ with a model.onnx each, and its weights in fp32 beside it. "
                    + "ONNX Runtime runs them, at any batch and picture size:",
            "  text_encoder  tokens [n, 77], int64 -> context [n, 77, width]",
            "  unet          latents [n, 4, h, w], timesteps [n, 1],",
            "                context [n, 77*k, width] -> noise [n, 4, h, w]",
            "  vae_decoder   latents [n, 4, h, w], as the UNet sees them",
            "                -> pictures [n, 3, 8h, 8w], about -1 to 1",
            "  vae_encoder   pictures [n, 3, 8h, 8w]",
            "                -> moments [n, 8, h, w], 4 means and 4 log variances, unscaled",
            "",
            "Examples:",
            "  atelier export onnx model.safetensors -o model-onnx",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {
    private enum Format {
        ONNX;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Parameters(index = "0", paramLabel = "FORMAT", description = "onnx")
    private Format format = Format.ONNX;

    @Parameters(
            index = "1",
            paramLabel = "MODEL",
            description = "A Stable Diffusion 1.x checkpoint: .safetensors, .ckpt, a folder of diffusers, the name of a"
                    + " model in --models, or an expression such as \"0.7*A + 0.3*B\".")
    private String model = "";

    @Mixin
    private Models models = new Models();

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FOLDER",
            description = "The new folder.")
    private Path output = Path.of("");

    @Option(names = "--overwrite", description = "Replace what is in the folder if it exists.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        Main.requireNew(output, overwrite);
        StableDiffusion networks = StableDiffusion.of(models.resolve(model).checkpoint());
        try (Bar bar = Bar.bytes("Exporting")) {
            switch (format) {
                case ONNX -> OnnxExport.write(networks, output, bar.progress());
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(output);
        out.flush();
        return 0;
    }
}
