package dev.atelier.diffusion;

import dev.atelier.diffusion.Controls.Control;
import dev.atelier.diffusion.GenerationListener.Course;
import dev.atelier.diffusion.GenerationListener.Phase;
import dev.atelier.model.ControlModel;
import dev.atelier.model.ControlNet;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.Embedding;
import dev.atelier.model.FloatArray;
import dev.atelier.model.T2iAdapterModel;
import dev.atelier.model.TinyDecoderModel;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** From a request to pictures with one model. Like the model, not thread-safe. */
public final class Pipeline {
    private static final int PIX2PIX_CHANNELS = 8;
    private static final int INPAINTING_CHANNELS = 9;

    // models that draw smaller than Stability's have a VAE, and so colours, of their own, which is quick
    private static final int LEAST_SHARED_SIZE = 512;

    private final DiffusionModel model;
    private final @Nullable LaterModel hires;
    private final @Nullable LaterModel refiner;
    private final ExtraNetworks networks;
    private final Supplier<ModelLabel> label;
    private final String version;

    /** As {@link #Pipeline(DiffusionModel, LaterModel, LaterModel, ExtraNetworks, Supplier, String)} with nothing but the model. */
    public Pipeline(DiffusionModel model, Supplier<ModelLabel> label, String version) {
        this(model, null, null, ExtraNetworks.NONE, label, version);
    }

    /**
     * @param model stays open; closing it is up to the caller
     * @param hires what draws the second pass of a hires fix; null for the same
     * @param refiner what finishes the last pass of each run; null for none
     * @param networks what prompts may name
     * @param label what infotext says about the model; asked for once a picture is there, because it may take time
     * @param version what infotext says about the program: {@code Atelier} and its version
     */
    public Pipeline(
            DiffusionModel model,
            @Nullable LaterModel hires,
            @Nullable LaterModel refiner,
            ExtraNetworks networks,
            Supplier<ModelLabel> label,
            String version) {
        this.model = model;
        this.hires = hires;
        this.refiner = refiner;
        this.networks = networks;
        this.label = label;
        this.version = version;
    }

    /**
     * Draws the pictures of a request.
     *
     * @return as many pictures as the batches have, in order of their seeds; fewer if the listener stopped them
     * @throws ArithmeticException if the model yields a value that is not finite; the message says where
     */
    public List<GeneratedImage> generate(GenerationRequest request, GenerationListener listener) {
        Outpainting beyond = request.outpainting();
        if (beyond != null) {
            return new Continuation(request, beyond, listener, (part, ofPart) -> new Job(part, ofPart).run()).run();
        }
        SdUpscale tiles = request.sdUpscale();
        return tiles == null
                ? new Job(request, listener).run()
                : new Redrawing(request, tiles, listener)
                        .run(upscaling(tiles.upscaler(), listener), (part, ofPart) -> new Job(part, ofPart).run());
    }

    private Upscaling upscaling(Upscaler upscaler, GenerationListener listener) {
        return Upscaling.of(
                upscaler, networks::upscaler, (done, total) -> listener.progress(Phase.UPSCALING, done, total));
    }

    /** A model with what belongs to it. */
    private record Stage(DiffusionModel model, Vae vae, ExtraNetworks networks, Embeddings embeddings) {}

    /** A request on its way. */
    private final class Job {
        private final GenerationRequest request;
        private final GenerationListener listener;
        private final Pass first;
        private final @Nullable Pass second; // as the model of the first would draw it
        private final @Nullable Upscaling upscaling; // of the pixels between the passes
        private final List<Source> sources;
        private final Stage base;
        private final Set<Embedding> named = new LinkedHashSet<>();
        private final Map<String, String> loraHashes = new LinkedHashMap<>();
        private final Set<String> notes = new LinkedHashSet<>();
        private Stage stage;
        private @Nullable MaskedDenoiser masked; // of the last batch
        private int stepsDone;
        private boolean isPadded;

        Job(GenerationRequest request, GenerationListener listener) {
            this.request = request;
            this.listener = listener;
            this.first = Pass.first(model, request);
            this.second = Pass.second(model, request);
            ImageToImage from = request.imageToImage();
            HiresFix fix = request.hiresFix();
            this.upscaling = fix == null || fix.upscaler().isLatent() ? null : upscaling(fix.upscaler(), listener);
            this.sources = from == null
                    ? List.of()
                    : Source.of(
                            from, new Size(request.width(), request.height()), upscaling(from.upscaler(), listener));
            this.base = stage(model, networks);
            this.stage = base;
        }

        private Stage stage(DiffusionModel drawing, ExtraNetworks its) {
            return new Stage(
                    drawing,
                    new Vae(drawing, request.vaeTiling() && !request.tiling()),
                    its,
                    Embeddings.of(its.embeddings(this::note), drawing));
        }

        List<GeneratedImage> run() {
            model.endless(request.tiling());
            Prompts prompts = encode(first, 0);
            Prompts ofSecond = second == null || hires != null ? prompts : encode(second, 2);
            noteEmbeddings();
            int total = request.iterations() * (first.steps() + (second == null ? 0 : second.steps()));
            FloatArray init = sources.isEmpty() ? null : initial();
            List<GeneratedImage> images = new ArrayList<>();
            Course course = Course.CONTINUE;
            for (int i = 0; i < request.iterations() && course != Course.STOP; i++) {
                stepsDone = i * (total / request.iterations());
                stage = base;
                apply(first);
                SamplerRun.Result drawn = first(first, i, prompts, init, total);
                if (second != null && drawn.course() == Course.CONTINUE) {
                    stepsDone += first.steps();
                    FloatArray enlarged = enlarged(drawn.latents());
                    drawn = hires == null
                            ? second(second, i, ofSecond, enlarged, total)
                            : second(Objects.requireNonNull(Pass.second(stage.model, request)), i, enlarged, total);
                }
                if (refiner != null) {
                    refiner.release();
                }
                decode(drawn.latents(), i, images);
                course = drawn.course();
                if (!stage.equals(base)) {
                    stage.model.release();
                }
            }
            return images;
        }

        private void apply(Pass pass) {
            loraHashes.putAll(
                    stage.networks.apply(TaggedPrompt.of(pass.prompt()).tags(), this::note));
        }

        private void note(String text) {
            if (notes.add(text)) {
                listener.note(text);
            }
        }

        private void noteEmbeddings() {
            for (Pass pass : second == null ? List.of(first) : List.of(first, second)) {
                for (String prompt : List.of(TaggedPrompt.of(pass.prompt()).text(), pass.negativePrompt())) {
                    base.embeddings.ofOtherFamilies(prompt).forEach(this::noteOtherFamily);
                    MissingEmbeddings.named(prompt, base.embeddings)
                            .forEach(name -> note(("there is no embedding \"%s\" where embeddings are looked for; it is"
                                            + " read as text")
                                    .formatted(name)));
                }
            }
        }

        private void noteOtherFamily(Embedding embedding) {
            note("the embedding \"%s\" is for other models (%s numbers a vector, here %s); it is read as text"
                    .formatted(embedding.name(), embedding.widths(), model.tokenWidths()));
        }

        private Prompts encode(Pass pass, int done) {
            int total = second == null ? 2 : 4;
            apply(pass);
            PromptEncoder encoder = encoder(stage.model, stage.embeddings, pass);
            listener.progress(Phase.ENCODING, done, total);
            Conditioning conditional =
                    encoder.prompt(TaggedPrompt.of(pass.prompt()).text());
            listener.progress(Phase.ENCODING, done + 1, total);
            Prompts prompts = padded(new Prompts(conditional, encoder.negativePrompt(pass.negativePrompt())), encoder);
            listener.progress(Phase.ENCODING, done + 2, total);
            return prompts;
        }

        private Prompts padded(Prompts prompts, PromptEncoder encoder) {
            if (request.padding() == PromptPadding.NONE || prompts.areEquallyLong()) {
                return prompts;
            }
            isPadded = true;
            return request.padding()
                    .pad(prompts, encoder.prompt("").at(0).getFirst().context());
        }

        /** The latents of the pictures to start from, a row for each picture of a batch. */
        private FloatArray initial() {
            return batch(sources.stream()
                    .map(source -> fitting(base.vae.encode(source.picture().toFloats())))
                    .toList());
        }

        private FloatArray fitting(FloatArray latent) {
            int[] shape = first.shape();
            return latent.size(2) == shape[1] && latent.size(3) == shape[2]
                    ? latent
                    : LatentResampling.BILINEAR.resize(latent, shape[1], shape[2]);
        }

        /** A row for each picture of a batch, of one for all or one for each. */
        private FloatArray batch(List<FloatArray> rows) {
            return Latents.repeat(Latents.stack(rows.toArray(FloatArray[]::new)), request.batchSize() / rows.size());
        }

        private SamplerRun.Result first(
                Pass pass, int iteration, Prompts prompts, @Nullable FloatArray init, int total) {
            BatchSeeds seeds = seeds(iteration, pass);
            BatchNoise noise = new BatchNoise(seeds, pass.shape());
            Denoiser network = model.inputChannels() == PIX2PIX_CHANNELS
                    ? editing(pass, prompts)
                    : pass.denoiser(
                            prompts,
                            InpaintingInput.of(model, base.vae, request, sources, pass.shape()),
                            controls(pass, false));
            network = second == null ? refined(pass, network) : network;
            FloatArray unit = noise.first();
            if (init == null) {
                return run(pass, seeds, noise, network, pass.levels().start(unit), total);
            }
            ImageToImage from = Objects.requireNonNull(request.imageToImage());
            unit = Latents.scale(unit, (float) from.noiseMultiplier());
            Inpainting inpainting = from.inpainting();
            if (inpainting == null || sources.getFirst().mask() == null) {
                return run(pass, seeds, noise, network, pass.levels().start(init, unit), total);
            }
            MaskedDenoiser masked = masked(pass, network, init, inpainting);
            SamplerRun.Result drawn =
                    run(pass, seeds, noise, masked, pass.levels().start(masked.picture(), unit), total);
            this.masked = masked;
            return new SamplerRun.Result(masked.finish(drawn.latents()), drawn.course());
        }

        private MaskedDenoiser masked(Pass pass, Denoiser network, FloatArray init, Inpainting inpainting) {
            FloatArray drawn = sources.getFirst().drawn(inpainting.rounded(), init.shape());
            FloatArray kept = Latents.combine(init, drawn, (value, share) -> value * (1 - share));
            FloatArray start = switch (inpainting.content()) {
                case FILL, ORIGINAL -> init;
                case LATENT_NOTHING -> kept;
                case LATENT_NOISE -> {
                    BatchSeeds plain = BatchSeeds.from(request.rng(), request.seed(), request.batchSize());
                    FloatArray noise = new BatchNoise(plain, pass.shape()).first();
                    yield Latents.plus(kept, 1, Latents.combine(noise, drawn, (value, share) -> value * share));
                }
            };
            return new MaskedDenoiser(
                    network, pass.sampler().name().space(), pass.schedule(), start, drawn, inpainting.soft());
        }

        /** What the second pass, whose model takes over, starts from. */
        private FloatArray enlarged(FloatArray latents) {
            FloatArray enlarged = Enlargement.of(
                    latents,
                    Objects.requireNonNull(request.hiresFix()),
                    new Size(request.width(), request.height()),
                    base.vae,
                    () -> ofSecond().vae,
                    upscaling);
            stage = ofSecond();
            return enlarged;
        }

        /** The memory of the first's networks is freed for it. */
        private Stage ofSecond() {
            if (hires != null && stage.equals(base)) {
                base.model.release();
                stage = stage(hires.model(), hires.networks());
                stage.model.endless(request.tiling());
            }
            return stage;
        }

        /** The same by another model, which reads the prompts itself. */
        private SamplerRun.Result second(Pass pass, int iteration, FloatArray enlarged, int total) {
            return second(pass, iteration, encode(pass, 2), enlarged, total);
        }

        private SamplerRun.Result second(Pass pass, int iteration, Prompts prompts, FloatArray enlarged, int total) {
            apply(pass);
            BatchSeeds seeds = seeds(iteration, pass);
            BatchNoise noise = new BatchNoise(seeds, pass.shape());
            Denoiser network = pass.denoiser(
                    prompts,
                    InpaintingInput.of(stage.model, stage.vae, request, List.of(), pass.shape()),
                    controls(pass, true));
            return run(pass, seeds, noise, refined(pass, network), pass.levels().start(enlarged, noise.first()), total);
        }

        /** The ControlNets, each with its picture in the size of the pass. */
        private Controls controls(Pass pass, boolean isSecond) {
            List<Control> controls = new ArrayList<>();
            int height = pass.shape()[1] * ControlNet.PIXELS;
            int width = pass.shape()[2] * ControlNet.PIXELS;
            for (ControlUnit asked : request.controls()) {
                if (second != null && !asked.passes().includes(isSecond)) {
                    continue;
                }
                // as in AUTOMATIC1111's extension, edges control a larger pass softly
                boolean isSoft =
                        isSecond && asked.extraction() == Extraction.CANNY && asked.mode() == ControlMode.BALANCED;
                ControlUnit unit = isSoft ? asked.mode(ControlMode.PROMPT) : asked;
                Bitmap given;
                if (unit.picture() != null) {
                    given = Bitmap.rgba(unit.picture()).rgb();
                } else if (!sources.isEmpty()) {
                    given = sources.getFirst().picture();
                } else {
                    throw new IllegalArgumentException("the ControlNet \"%s\" has no picture".formatted(unit.net()));
                }
                Bitmap picture =
                        unit.extraction().of(unit.resizeMode().resize(given, width, height), unit.thresholds());
                FloatArray shares = shares(picture.toFloats());
                ControlModel net = networks.controlNet(unit.net());
                List<FloatArray> features =
                        net instanceof T2iAdapterModel adapter ? pass.model().adapt(adapter, shares) : List.of();
                controls.add(new Control(unit, net, shares, features, region(unit.region())));
            }
            List<Float> levels = new ArrayList<>();
            for (float sigma : pass.levels().sigmas()) {
                levels.add(sigma);
            }
            return new Controls(controls, levels);
        }

        /** The first channel, as in AUTOMATIC1111's extension. */
        private static @Nullable FloatArray region(@Nullable BufferedImage picture) {
            if (picture == null) {
                return null;
            }
            FloatArray all = shares(Bitmap.rgba(picture).rgb().toFloats());
            int height = all.size(2);
            int width = all.size(3);
            return FloatArray.of(Arrays.copyOf(all.values(), height * width), 1, 1, height, width);
        }

        /** Of values from −1 to 1, from 0 to 1. */
        private static FloatArray shares(FloatArray picture) {
            return Latents.scale(Latents.plus(picture, 1, Latents.filled(1, picture.shape())), 0.5f);
        }

        /** Instruct-pix2pix: the picture beside the latents, not scaled as they are; grey if there is none. */
        private Denoiser editing(Pass pass, Prompts prompts) {
            FloatArray grey =
                    Latents.filled(0, 1, 3, pass.size().height(), pass.size().width());
            List<FloatArray> pixels = sources.isEmpty()
                    ? List.of(grey)
                    : sources.stream()
                            .map(source -> source.picture().toFloats())
                            .toList();
            FloatArray pictures = batch(pixels.stream()
                    .map(picture -> fitting(Latents.scale(base.vae.encode(picture), (float)
                            (1 / model.family().latentScale()))))
                    .toList());
            Controls controls = controls(pass, false);
            SamplerName name = pass.sampler().name();
            Shortcuts shortcuts = new Shortcuts(pass.acceleration());
            return shortcuts.counting(new PictureGuidance(
                    conditioning -> name.denoiser(
                            new NetworkDenoiser(model, pass.schedule(), conditioning, shortcuts, controls),
                            pass.schedule()),
                    prompts.conditional(),
                    prompts.unconditional(),
                    pictures,
                    name.guidance(request.cfgScale()),
                    request.imageCfgScale()));
        }

        /** The refiner takes over at its time, and the memory of the other's networks is freed for it. */
        private Denoiser refined(Pass pass, Denoiser base) {
            if (refiner == null || request.refinerSwitchAt() == 1) {
                return base;
            }
            return new RefinerSwitch(
                    base,
                    calls -> {
                        stage.model.release();
                        DiffusionModel network = refiner.model();
                        network.endless(request.tiling());
                        Embeddings known = Embeddings.of(networks.embeddings(this::note), network);
                        PromptEncoder encoder = encoder(network, known, pass);
                        Prompts prompts = padded(
                                new Prompts(
                                        encoder.prompt(
                                                TaggedPrompt.of(pass.prompt()).text()),
                                        encoder.negativePrompt(pass.negativePrompt())),
                                encoder);
                        return pass.denoiser(network, prompts, null, Controls.NONE, calls);
                    },
                    pass.schedule(),
                    request.refinerSwitchAt());
        }

        private PromptEncoder encoder(DiffusionModel network, Embeddings known, Pass pass) {
            return new PromptEncoder(
                    network,
                    known,
                    named,
                    request.emphasis(),
                    request.commaBacktrack(),
                    request.clipSkip(),
                    pass.times(),
                    request.batchSize(),
                    pass.size(),
                    request.sdxl());
        }

        private BatchSeeds seeds(int iteration, Pass pass) {
            int before = iteration * request.batchSize();
            List<Long> seeds = new ArrayList<>();
            for (int i = 0; i < request.batchSize(); i++) {
                seeds.add(seed(before + i));
            }
            Variation variation = request.variation();
            Size from = request.seedResizeFrom();
            int cell = pass.model().spatialFactor();
            return new BatchSeeds(
                    request.rng(),
                    seeds,
                    new Variation(variation.seed() + before, variation.strength()),
                    from == null ? null : new Size(from.width() / cell, from.height() / cell),
                    pass.sampler().name().has(SamplerTrait.USES_ENSD) ? request.noiseSeedDelta() : 0);
        }

        private long seed(int picture) {
            return request.variation().isNone() ? request.seed() + picture : request.seed();
        }

        private SamplerRun.Result run(
                Pass pass, BatchSeeds seeds, BatchNoise noise, Denoiser network, FloatArray start, int total) {
            listener.progress(Phase.SAMPLING, stepsDone, total);
            return new SamplerRun(
                            pass.sampler().name(),
                            pass.schedule(),
                            request.samplerOptions(),
                            pass.levels(),
                            seeds,
                            noise)
                    .run(network, start, (step, steps, denoised) -> {
                        // a few samplers take another number of steps than they have levels
                        int planned = steps == pass.steps() ? step : step * pass.steps() / steps;
                        listener.progress(Phase.SAMPLING, stepsDone + planned, total);
                        return listener.step(() -> preview(denoised));
                    });
        }

        private List<BufferedImage> preview(FloatArray latents) {
            Optional<TinyDecoderModel> decoder = stage.networks.previewDecoder();
            if (decoder.isEmpty() && stage.model.nativeSize() >= LEAST_SHARED_SIZE) {
                return LatentPreview.of(latents, stage.model.family());
            }
            List<BufferedImage> pictures = new ArrayList<>();
            for (int i = 0; i < latents.size(0); i++) {
                FloatArray latent = latents.rows(i, i + 1);
                pictures.add(RgbImage.of(
                        decoder.isEmpty() ? stage.vae.decode(latent) : stage.model.decode(decoder.get(), latent)));
            }
            return pictures;
        }

        /** One picture at a time: the decoder needs far more memory for its intermediate results than the UNet. */
        private void decode(FloatArray latents, int iteration, List<GeneratedImage> images) {
            int total = request.iterations() * request.batchSize();
            int before = iteration * request.batchSize();
            listener.progress(Phase.DECODING, before, total);
            for (int i = 0; i < request.batchSize(); i++) {
                int picture = before + i;
                FloatArray latent = latents.rows(i, i + 1);
                requireFinite(latent, "UNet", seed(picture));
                FloatArray decoded = stage.vae.decode(latent);
                requireFinite(decoded, "VAE decoder", seed(picture));
                Bitmap bitmap = Bitmap.rgb(decoded);
                Bitmap finished = sources.isEmpty() ? bitmap : finish(bitmap, source(i, latent));
                String infotext = Infotext.of(request, picture, label.get(), networks(), refinerTitle(), version)
                        .text();
                images.add(new GeneratedImage(finished.toImage(), seed(picture), infotext));
                listener.progress(Phase.DECODING, picture + 1, total);
            }
        }

        /** What a picture of a batch started from. */
        private Source source(int i, FloatArray latent) {
            Source source = sources.get(i % sources.size());
            if (masked == null || masked.soft() == null) {
                return source;
            }
            return source.overlaid(masked.soft()
                    .mask(
                            masked.picture().rows(i, i + 1),
                            latent,
                            masked.drawn().rows(i, i + 1),
                            first.size()));
        }

        private Bitmap finish(Bitmap drawn, Source source) {
            return source.finish(
                    Objects.requireNonNull(request.imageToImage()).colorCorrection()
                            ? new ColorCorrection(source.picture()).apply(drawn)
                            : drawn);
        }

        /** What infotext says of the model's kind and of the files that the prompts named. */
        private Map<String, String> networks() {
            Map<String, String> parameters = new LinkedHashMap<>();
            Map<String, String> embeddingHashes = new LinkedHashMap<>();
            named.forEach(embedding -> embeddingHashes.put(embedding.name(), embedding.hash()));
            if (model.inputChannels() == PIX2PIX_CHANNELS) {
                parameters.put("Image CFG scale", Double.toString(request.imageCfgScale()));
            }
            ImageToImage from = request.imageToImage();
            if (from != null && from.inpainting() != null && model.inputChannels() == INPAINTING_CHANNELS) {
                parameters.put(
                        "Conditional mask weight",
                        Double.toString(from.inpainting().conditioningWeight()));
            }
            if (second != null && hires != null) {
                parameters.put("Hires checkpoint", hires.label().title());
            }
            if (isPadded) {
                parameters.put(request.padding() == PromptPadding.EMPTY ? "Pad conds" : "Pad conds v0", "True");
            }
            putHashes("Lora hashes", loraHashes, parameters);
            putHashes("TI hashes", embeddingHashes, parameters);
            return parameters;
        }

        private static void putHashes(String key, Map<String, String> hashes, Map<String, String> parameters) {
            if (!hashes.isEmpty()) {
                parameters.put(
                        key,
                        hashes.entrySet().stream()
                                .map(hash -> hash.getKey().replaceAll("[:,]", "") + ": " + hash.getValue())
                                .collect(Collectors.joining(", ")));
            }
        }

        private @Nullable String refinerTitle() {
            return refiner == null || request.refinerSwitchAt() == 1
                    ? null
                    : refiner.label().title();
        }

        private void requireFinite(FloatArray values, String network, long seed) {
            for (float value : values.values()) {
                if (!Float.isFinite(value)) {
                    throw new ArithmeticException("the %s of %s produced %s for the image with seed %d"
                            .formatted(network, label.get().name(), value, seed));
                }
            }
        }
    }
}
