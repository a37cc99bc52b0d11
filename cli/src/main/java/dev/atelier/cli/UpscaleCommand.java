package dev.atelier.cli;

import dev.atelier.Enlarger;
import dev.atelier.ModelOptions;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import dev.atelier.diffusion.Upscaler;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "upscale",
        description = {
            "Makes finished pictures larger, with an upscaling network of the ESRGAN family or by resampling.",
            "",
            "A network is a file such as 4x-UltraSharp.pth or RealESRGAN_x4plus.pth, given by path or, where it lies in "
                    + "a folder of models, by name. The picture's settings go into the new one.",
            "",
            "Examples:",
            "  atelier upscale fox.png --upscaler 4x-UltraSharp.pth",
            "      (fox-upscaled.png, four times as wide and high)",
            "  atelier upscale fox.png --upscaler \"R-ESRGAN 4x+\" --by 2 -o large.png",
            "  atelier upscale *.png --upscaler Lanczos --by 1.5",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class UpscaleCommand implements Callable<Integer> {
    @Parameters(paramLabel = "PICTURE", arity = "1..*", description = "PNG, JPEG, GIF, BMP or TIFF.")
    private List<Path> pictures = new ArrayList<>();

    @Option(
            names = "--upscaler",
            paramLabel = "NETWORK",
            required = true,
            description = "A file, the name of one in --models, \"Lanczos\" or \"Nearest\".")
    private String upscaler = "";

    @Option(
            names = "--by",
            paramLabel = "FACTOR",
            description = "How much wider and higher, 1 to 8. Sides become multiples of 8. Default: 4.")
    private double factor = 4;

    @Mixin
    private Models models = new Models();

    @Mixin
    private EngineChoice engine = new EngineChoice();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "The PNG file, for a single picture. Default: PICTURE-upscaled.png")
    private @Nullable Path output;

    @Option(names = "--overwrite", description = "Replace output files that exist.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        if (!(factor >= 1 && factor <= 8)) {
            throw new IllegalArgumentException("--by must be between 1 and 8, but is " + factor);
        }
        List<Path> files = pictures.stream().map(this::output).toList();
        if (output != null && files.size() > 1) {
            throw new IllegalArgumentException("-o is for a single picture");
        }
        files.forEach(file -> Main.requireNew(file, overwrite));
        UpscalerOption option = UpscalerOption.of(upscaler);
        ModelOptions options = engine.options().models(models.searched()).upscalers(UpscalerOption.files(upscaler));
        try (Enlarger enlarger = Enlarger.of(options)) {
            for (int i = 0; i < files.size(); i++) {
                BufferedImage large = enlarge(enlarger, pictures.get(i), option.upscaler());
                PngFile.write(files.get(i), new GeneratedImage(large, 0, infotext(pictures.get(i))));
                spec.commandLine().getOut().printf("%s (%d × %d)%n", files.get(i), large.getWidth(), large.getHeight());
            }
        }
        spec.commandLine().getOut().flush();
        return 0;
    }

    private BufferedImage enlarge(Enlarger enlarger, Path picture, Upscaler upscaler) throws IOException {
        try (Bar bar = Bar.of("Enlarging", " tiles")) {
            return enlarger.with(upscaler, bar::update).by(ImageFile.read(picture), factor);
        }
    }

    private static String infotext(Path picture) {
        try {
            return PngFile.readInfotext(picture).orElse("");
        } catch (IOException _) {
            return ""; // it is no PNG file
        }
    }

    private Path output(Path picture) {
        if (output != null) {
            return output;
        }
        String name = picture.getFileName().toString();
        String stem = name.lastIndexOf('.') > 0 ? name.substring(0, name.lastIndexOf('.')) : name;
        return picture.resolveSibling(stem + "-upscaled.png");
    }
}
