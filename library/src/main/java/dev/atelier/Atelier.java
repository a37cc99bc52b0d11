package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.Pipeline;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DemoModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.StableDiffusion;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint that is loaded and ready to draw.
 *
 * {@snippet file = Example.java region = example}
 *
 * <p>May be used by several threads; they take turns. Weights lie outside the Java heap until {@link #close}.
 */
public final class Atelier implements AutoCloseable {
    private final EngineModel<?> model;
    private final Pipeline pipeline;
    private final PromptNetworks networks;
    private final List<LazyModel> later;
    private final Runnable onClose;
    private boolean isSwitched; // then the model is another one's

    /** The models that take over from the first. */
    private record Later(
            @Nullable LazyModel hires, @Nullable LazyModel refiner) {
        static Later of(ModelOptions options) {
            return new Later(of(options.hires(), options), of(options.refiner(), options));
        }

        private static @Nullable LazyModel of(@Nullable Path file, ModelOptions options) {
            return file == null ? null : new LazyModel(file, name(file), options);
        }
    }

    private Atelier(
            EngineModel<?> model, PromptNetworks networks, Later later, Supplier<ModelLabel> label, Runnable onClose) {
        this.model = model;
        this.networks = networks;
        this.later =
                Stream.of(later.hires, later.refiner).filter(Objects::nonNull).toList();
        this.pipeline = new Pipeline(model, later.hires, later.refiner, networks, label, version());
        this.onClose = onClose;
    }

    /** As {@link #open(Path, Engine, Progress)}, with ONNX Runtime. */
    public static Atelier open(Path checkpoint) {
        return open(checkpoint, Engine.ONNX, Progress.NONE);
    }

    /**
     * Loads a checkpoint: a {@code .safetensors} or {@code .ckpt} file, or a folder in the layout of diffusers. Its hash,
     * which goes into the pictures, is computed beside the first picture and remembered.
     *
     * @param progress counts bytes of the checkpoint
     * @throws InvalidCheckpointException if it cannot be used; the message says why
     * @throws UncheckedIOException if it cannot be read
     */
    public static Atelier open(Path checkpoint, ModelOptions options, Progress progress) {
        return open(checkpoint, options.model(Checkpoints.open(checkpoint)), options, progress);
    }

    /** As {@link #open(Path, ModelOptions, Progress)}, with everything as the checkpoint says. */
    public static Atelier open(Path checkpoint, Engine engine, Progress progress) {
        return open(checkpoint, ModelOptions.DEFAULT.engine(engine), progress);
    }

    /**
     * Loads a checkpoint that need not be a file, such as a merge.
     *
     * @param label what the pictures say about the model
     * @throws InvalidCheckpointException if it cannot be used; the message says why
     */
    public static Atelier open(Checkpoint checkpoint, ModelLabel label, ModelOptions options, Progress progress) {
        StableDiffusion model = options.model(checkpoint);
        Later later = Later.of(options);
        EngineModel<?> loaded = load(model, options, progress);
        return new Atelier(loaded, new PromptNetworks(model, loaded, options), later, () -> label, () -> {});
    }

    /** As {@link #open(Checkpoint, ModelLabel, ModelOptions, Progress)}, with everything as the checkpoint says. */
    public static Atelier open(Checkpoint checkpoint, ModelLabel label, Engine engine, Progress progress) {
        return open(checkpoint, label, ModelOptions.DEFAULT.engine(engine), progress);
    }

    /**
     * Loads the model that comes with Atelier. It draws coloured shapes.
     *
     * @throws UncheckedIOException if the user's cache folder, where the model is unpacked, cannot be written
     */
    public static Atelier demo(Engine engine, Progress progress) {
        return demo(ModelOptions.DEFAULT.engine(engine), progress);
    }

    /** As {@link #demo(Engine, Progress)}, with what prompts may name; other options have no effect. */
    public static Atelier demo(ModelOptions options, Progress progress) {
        Path file = demoFile();
        return open(file, StableDiffusion.of(Checkpoints.open(file)), options, progress);
    }

    /**
     * The file of the model that comes with Atelier.
     *
     * @throws UncheckedIOException if the user's cache folder, where the model is unpacked, cannot be written
     */
    public static Path demoFile() {
        return DemoModel.unpack(Cache.ofUser().folder());
    }

    /**
     * Opens another checkpoint and closes this one. Where both are built alike, which all models of Stable Diffusion 1.5 are,
     * that takes a part of the time of opening it anew, for its weights take the place of those in memory.
     *
     * @param options of the same engine
     * @throws InvalidCheckpointException as {@link #open(Path, ModelOptions, Progress)}; this one stays open then
     */
    public synchronized Atelier switchTo(Path checkpoint, ModelOptions options, Progress progress) {
        StableDiffusion other = options.model(Checkpoints.open(checkpoint));
        if (isSwitched || !model.isBuiltLike(other)) {
            close();
            return open(checkpoint, other, options, progress);
        }
        isSwitched = true;
        closeAllButModel();
        boolean complete = false;
        try {
            model.switchTo(other, progress);
            complete = true;
            return on(model, checkpoint, other, options);
        } finally {
            if (!complete) {
                model.close();
            }
        }
    }

    private static Atelier open(Path path, StableDiffusion model, ModelOptions options, Progress progress) {
        return on(load(model, options, progress), path, model, options);
    }

    private static Atelier on(EngineModel<?> loaded, Path path, StableDiffusion model, ModelOptions options) {
        Later later = Later.of(options);
        PromptNetworks networks = new PromptNetworks(model, loaded, options);
        FileLabel checkpoint = new FileLabel(name(path), BackgroundHash.of(path));
        Optional<FileLabel> vae = Optional.ofNullable(options.vae())
                .map(file -> new FileLabel(String.valueOf(file.getFileName()), BackgroundHash.of(file)));
        return new Atelier(
                loaded,
                networks,
                later,
                () -> new ModelLabel(
                        checkpoint.name,
                        checkpoint.hash.get(),
                        vae.map(FileLabel::label).orElse(null)),
                () -> {
                    checkpoint.hash.close();
                    vae.ifPresent(file -> file.hash.close());
                });
    }

    private record FileLabel(String name, BackgroundHash hash) {
        ModelLabel label() {
            return new ModelLabel(name, hash.get());
        }
    }

    private static EngineModel<?> load(StableDiffusion model, ModelOptions options, Progress progress) {
        // reading the vocabulary takes a tenth of a second, and the weights are being loaded meanwhile
        Thread.ofPlatform().daemon().name("vocabulary").start(ClipTokenizer::standard);
        return options.load(model, progress);
    }

    private static String name(Path checkpoint) {
        return Files.isDirectory(checkpoint)
                ? checkpoint.toAbsolutePath().getFileName().toString()
                : ModelTree.stem(checkpoint);
    }

    /** What infotext says about this program: {@code Atelier} and its version. */
    public static String version() {
        String version = Atelier.class.getPackage().getImplementationVersion();
        return "Atelier " + (version == null ? "(unpackaged)" : version);
    }

    /** A request for a square picture of the size that this model draws best. */
    public GenerationRequest request(String prompt) {
        return withBestSize(GenerationRequest.of(prompt));
    }

    /** The request with the size of the pictures that this model was trained on. */
    public synchronized GenerationRequest withBestSize(GenerationRequest request) {
        int side = model.nativeSize();
        return request.size(side, side);
    }

    /** As {@link #generate(GenerationRequest, GenerationListener)} for callers that only wait. */
    public List<GeneratedImage> generate(GenerationRequest request) {
        return generate(request, (phase, done, total) -> {});
    }

    /**
     * Draws the pictures of a request.
     *
     * @param listener hears of progress. Whatever it throws, such as {@link java.util.concurrent.CancellationException},
     *     stops the work and reaches the caller; the next request is served as if nothing had been
     * @return the pictures, in order of their seeds
     * @throws ArithmeticException if the model yields a value that is not finite; the message says where
     */
    public synchronized List<GeneratedImage> generate(GenerationRequest request, GenerationListener listener) {
        return pipeline.generate(request, listener);
    }

    /** Frees the weights. Waits for a picture that is being drawn. */
    @Override
    public synchronized void close() {
        if (!isSwitched) {
            closeAllButModel();
            model.close();
        }
    }

    private void closeAllButModel() {
        onClose.run();
        networks.close();
        later.forEach(LazyModel::close);
    }
}
