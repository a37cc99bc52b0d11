package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.ModelOptions;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.PngFile;
import dev.atelier.merge.expression.ResolvedModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "generate",
        description = {
            "Draws a picture from a description, on the processor, with a Stable Diffusion checkpoint: 1.x, 2.x or XL.",
            "",
            "The PNG carries its settings as AUTOMATIC1111's do (drop it on \"PNG Info\" there). The same seed and "
                    + "settings give the same picture again.",
            "",
            "Examples:",
            "  atelier generate \"a red circle on a blue background\" -o circle.png",
            "  atelier generate \"portrait of a fox, oil painting\" \\",
            "      --model sd-v1-5.safetensors \\",
            "      --negative \"blurry, low quality\" --steps 25 --cfg 7.5 --seed 42 \\",
            "      -o fox.png",
            "  atelier generate \"a lighthouse\" --model sd-v1-5.ckpt --batch 4 \\",
            "      -o lighthouse.png",
            "      (lighthouse-1.png to lighthouse-4.png, with consecutive seeds)",
            "  atelier generate \"a fox in the snow\" --init fox.png --strength 0.6",
            "  atelier generate \"a red hat\" --init fox.png --mask hat.png --only-masked 32",
            "  atelier generate \"a castle\" --model sd15 \\",
            "      --control control_v11p_sd15_lineart:sketch.png:extract=lineart",
            "  atelier generate \"a castle\" --hires 2 --hires-strength 0.55",
            "  atelier generate --from fox.png --variation-seed 1 --variation-strength 0.1",
            "      (the settings of a picture, with what is given beside)",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
    @Parameters(paramLabel = "PROMPT", arity = "0..1", description = "What to draw.")
    private @Nullable String prompt;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "The checkpoint: a file, the name of a model in --models, or an expression such as"
                    + " \"0.7*A + 0.3*B\", which writes nothing to disk. Default: the built-in demo model.")
    private @Nullable String model;

    @Mixin
    private Models models = new Models();

    @Mixin
    private ModelSettings settings = new ModelSettings();

    @ArgGroup(validate = false)
    private PictureOptions picture = new PictureOptions();

    @ArgGroup(validate = false, heading = "%nTo start from a picture:%n")
    private InitOptions init = new InitOptions();

    @ArgGroup(validate = false, heading = "%nA second, larger pass (hires fix):%n")
    private HiresOptions hires = new HiresOptions();

    @ArgGroup(validate = false, heading = "%nTo be controlled by a picture:%n")
    private ControlOptions control = new ControlOptions();

    @ArgGroup(validate = false, heading = "%nPictures that are alike:%n")
    private VariationOptions variation = new VariationOptions();

    @ArgGroup(validate = false, heading = "%nHow it is computed:%n")
    private EngineOptions engine = new EngineOptions();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "The PNG file. Default: atelier-SEED.png. Several pictures are numbered -1, -2, …")
    private @Nullable Path output;

    @Option(
            names = "--preview",
            paramLabel = "FILE",
            description = "A PNG file that shows after every step what the first picture looks like so far.")
    private @Nullable Path preview;

    @Option(names = "--overwrite", description = "Replace output files that exist.")
    private boolean overwrite;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        GenerationRequest request = request();
        List<Path> files = outputs(request);
        files.forEach(file -> Main.requireNew(file, overwrite));

        List<String> notes = new ArrayList<>();
        List<GeneratedImage> images;
        try (Atelier atelier = open();
                PhaseBars bars = new PhaseBars(notes, preview)) {
            boolean sized = picture.isSized() || picture.from != null;
            images = atelier.generate(sized ? request : atelier.withBestSize(request), bars);
        }
        notes.forEach(note -> spec.commandLine().getErr().println("atelier: " + note));
        PrintWriter out = spec.commandLine().getOut();
        for (int i = 0; i < images.size(); i++) {
            PngFile.write(files.get(i), images.get(i));
            out.printf("%s (seed %d)%n", files.get(i), images.get(i).seed());
        }
        out.flush();
        return 0;
    }

    private GenerationRequest request() throws IOException {
        GenerationRequest request = picture.request(prompt);
        request = init.applyTo(request);
        request = hires.applyTo(request);
        request = control.applyTo(request, models);
        request = variation.applyTo(request);
        return engine.applyTo(request);
    }

    private List<Path> outputs(GenerationRequest request) {
        Path file = output != null ? output : Path.of("atelier-%d.png".formatted(request.seed()));
        int count = request.batchSize() * request.iterations();
        if (count == 1) {
            return List.of(file);
        }
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length();
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> file.resolveSibling(name.substring(0, dot) + "-" + i + name.substring(dot)))
                .toList();
    }

    private Atelier open() {
        ModelOptions options = settings.options(models.searched()).controlNets(control.files(models));
        try (Bar bar = Bar.bytes("Loading")) {
            if (model != null) {
                ResolvedModel resolved = models.resolve(model);
                return resolved.file().isPresent()
                        ? Atelier.open(resolved.file().get(), options, bar.progress())
                        : Atelier.open(resolved.checkpoint(), new ModelLabel(model, null), options, bar.progress());
            }
            return Atelier.demo(options, bar.progress());
        }
    }

    /** A bar for each phase of the generation, one after the other. */
    private static final class PhaseBars implements GenerationListener, AutoCloseable {
        private final List<String> notes; // told when no bar is in the way
        private final @Nullable Path preview;
        private @Nullable Phase current;
        private Bar bar = Bar.of("", "");

        PhaseBars(List<String> notes, @Nullable Path preview) {
            this.notes = notes;
            this.preview = preview;
        }

        @Override
        public Course step(Supplier<List<BufferedImage>> pictures) {
            if (preview != null) {
                try {
                    PngFile.write(preview, new GeneratedImage(pictures.get().getFirst(), 0, ""));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            return Course.CONTINUE;
        }

        @Override
        public void note(String text) {
            notes.add(text);
        }

        @Override
        public void progress(Phase phase, int done, int total) {
            if (phase != current) {
                bar.close();
                current = phase;
                bar = switch (phase) {
                    case ENCODING -> Bar.of("Reading the prompt", "");
                    case SAMPLING -> Bar.of("Drawing", " steps");
                    case DECODING -> Bar.of("Decoding", " pictures");
                };
            }
            bar.update(done, total);
        }

        @Override
        public void close() {
            bar.close();
        }
    }
}
