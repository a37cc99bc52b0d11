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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
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
            "  atelier generate \"a castle\" --hires 2 --hires-upscaler 4x-UltraSharp.pth",
            "  atelier generate --from fox.png --variation-seed 1 --variation-strength 0.1",
            "      (the settings of a picture, with what is given beside)",
            "",
        },
        abbreviateSynopsis = true,
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
    /** What decides how a model is loaded. */
    static final Set<String> MODEL_OPTIONS = Set.of(
            "--model",
            "--models",
            "--vae",
            "--prediction",
            "--zero-snr",
            "--no-zero-snr",
            "--engine",
            "--device",
            "--dtype",
            "--hires-model",
            "--refiner",
            "--embeddings",
            "--loras",
            "--control",
            "--taesd");

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

    @ArgGroup(validate = false, heading = "%nThe sampler, as in AUTOMATIC1111's settings:%n")
    private SamplerSettings sampler = new SamplerSettings();

    @ArgGroup(validate = false, heading = "%nWhat Stable Diffusion XL is told besides:%n")
    private SdxlSettings sdxl = new SdxlSettings();

    @ArgGroup(validate = false, heading = "%nHow it is computed:%n")
    private EngineOptions engine = new EngineOptions();

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description =
                    "Draw a picture for each line of a text file: a prompt, or options with --prompt among them, as in"
                            + " AUTOMATIC1111's \"Prompts from file\".")
    private @Nullable Path prompts;

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

    /**
     * The command with arguments of its own.
     *
     * @throws IllegalArgumentException if they cannot be used
     */
    static GenerateCommand of(List<String> arguments) {
        GenerateCommand command = new GenerateCommand();
        try {
            line(command).parseArgs(once(arguments).toArray(String[]::new));
        } catch (CommandLine.ParameterException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        return command;
    }

    /** What it takes. */
    static CommandSpec options() {
        return line(new GenerateCommand()).getCommandSpec();
    }

    private static CommandLine line(GenerateCommand command) {
        return new CommandLine(command).setCaseInsensitiveEnumValuesAllowed(true);
    }

    /** Of an option that is given twice, the second alone. */
    private static List<String> once(List<String> arguments) {
        CommandSpec options = options();
        SequencedMap<Object, List<String>> kept = new LinkedHashMap<>();
        for (int i = 0; i < arguments.size(); i++) {
            String word = arguments.get(i);
            if (word.equals("--")) {
                kept.put(word, arguments.subList(i, arguments.size()));
                break;
            }
            OptionSpec option = options.findOption(word.replaceFirst("=.*", ""));
            boolean takesNext =
                    option != null && option.arity().max() > 0 && !word.contains("=") && i + 1 < arguments.size();
            List<String> words = takesNext ? List.of(word, arguments.get(++i)) : List.of(word);
            Object key = option == null || option.isMultiValue() ? new Object() : option;
            kept.remove(key);
            kept.put(key, words);
        }
        return kept.values().stream().flatMap(List::stream).toList();
    }

    @Override
    public Integer call() throws IOException {
        List<GenerateCommand> lines = prompts == null ? List.of(this) : lines(prompts);
        List<GenerationRequest> requests = new ArrayList<>();
        for (GenerateCommand line : lines) {
            requests.add(line.request());
        }
        List<Path> files = outputs(
                requests.getFirst().seed(),
                requests.stream()
                        .mapToInt(request -> request.batchSize() * request.iterations())
                        .sum());
        files.forEach(file -> Main.requireNew(file, overwrite));

        List<String> notes = new ArrayList<>();
        PrintWriter out = spec.commandLine().getOut();
        int written = 0;
        try (Atelier atelier = open();
                PhaseBars bars = new PhaseBars(notes, preview)) {
            for (int i = 0; i < lines.size(); i++) {
                for (GeneratedImage image : atelier.generate(lines.get(i).sized(requests.get(i), atelier), bars)) {
                    PngFile.write(files.get(written), image);
                    out.printf("%s (seed %d)%n", files.get(written), image.seed());
                    written++;
                }
            }
        }
        notes.stream().distinct().forEach(note -> spec.commandLine().getErr().println("atelier: " + note));
        out.flush();
        return 0;
    }

    /** This command with what each line of a file says beside. */
    private List<GenerateCommand> lines(Path file) throws IOException {
        if (prompt != null) {
            throw new IllegalArgumentException("the prompts come from " + file + ": leave the other out");
        }
        List<String> own = new ArrayList<>(spec.commandLine().getParseResult().originalArgs());
        if (own.getFirst().equals(spec.name())) {
            own.removeFirst();
        }
        List<GenerateCommand> commands = new ArrayList<>();
        for (List<String> line : PromptLines.read(file)) {
            List<String> all = new ArrayList<>(own);
            all.addAll(line);
            commands.add(of(all));
        }
        return commands;
    }

    private GenerationRequest sized(GenerationRequest request, Atelier atelier) {
        return picture.isSized() || picture.from != null ? request : atelier.withBestSize(request);
    }

    /** What it asks of a model that is loaded. */
    GenerationRequest requestFor(Atelier atelier) throws IOException {
        return sized(request(), atelier);
    }

    boolean isSeeded() {
        return picture.seed != null || picture.from != null;
    }

    GenerationRequest request() throws IOException {
        GenerationRequest request = picture.request(prompt);
        request = init.applyTo(request);
        request = hires.applyTo(request);
        request = control.applyTo(request, models);
        request = variation.applyTo(request);
        request = sampler.applyTo(request);
        request = sdxl.applyTo(request);
        return engine.applyTo(request);
    }

    private List<Path> outputs(long seed, int count) {
        Path file = output != null ? output : Path.of("atelier-%d.png".formatted(seed));
        if (count == 1) {
            return List.of(file);
        }
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length();
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> file.resolveSibling(name.substring(0, dot) + "-" + i + name.substring(dot)))
                .toList();
    }

    /** Loads its model. */
    Atelier open() {
        ModelOptions options = settings.options(models.searched())
                .controlNets(control.files(models))
                .upscalers(UpscalerOption.files(hires.upscaler, init.upscaler));
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
                    case UPSCALING -> Bar.of("Enlarging", " tiles");
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
