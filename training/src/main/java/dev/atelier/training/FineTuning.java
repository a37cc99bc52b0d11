package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.checkpoint.VaeHash;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.engine.torch.TrainerOptions;
import dev.atelier.engine.torch.WorkerGroup;
import dev.atelier.model.Embedding;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.Batches;
import dev.atelier.training.data.PictureFolder;
import dev.atelier.training.data.TrainingPicture;
import dev.atelier.training.objective.NoiseShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Fine-tunes a model: DreamBooth, LoRA, textual inversion or all of its weights. */
public final class FineTuning {
    private static final Set<Network> TEXT = EnumSet.of(Network.TEXT_ENCODER, Network.TEXT_ENCODER_2);

    /** More captions than this are read anew in every step; what is made of one takes 0.2 to 0.6 MB. */
    private static final int MOST_ENCODED = 2000;

    /** About the length of CLIP's vectors, cloneofsimo/lora {@code cli_lora_pti.py}. */
    private static final double WORD_LENGTH = 0.4;

    /** At how many timesteps a picture for validation is measured. */
    private static final int VALIDATION_TIMESTEPS = 8;

    private final StableDiffusion model;
    private final PredictionType prediction;
    private final TrainingPlan plan;
    private final TrainingListener listener;
    private final @Nullable WorkerGroup workers;
    private final Randomness randomness;
    private final CaptionTokens tokens;
    private final Denoising objective;
    private final DenoisingBatches batches;
    private final PictureLatents pictures;
    private final PictureLatents classes;
    private final PictureLatents validation;
    private final LossLog validationLog;
    private boolean resumed; // whether the first step of this run has been

    private FineTuning(
            Checkpoint checkpoint, TrainingPlan plan, @Nullable WorkerGroup workers, TrainingListener listener)
            throws IOException {
        this.model = StableDiffusion.of(checkpoint);
        this.prediction = prediction(model, plan.objective());
        this.plan = plan;
        this.listener = listener;
        this.workers = workers;
        this.randomness = new Randomness(plan.course().seed());
        this.tokens = plan.method() instanceof TrainingPlan.Word word
                ? new CaptionTokens(plan.objective().captionTokens(), word.word(), word.vectors())
                : new CaptionTokens(plan.objective().captionTokens(), "", 0);
        this.objective = new Denoising(
                model.alphasCumprod(), prediction, plan.objective().weights());
        this.batches = new DenoisingBatches(model, objective.alphasCumprod(), plan.objective(), tokens);
        Path folder = Files.createDirectories(plan.saving().state().resolve("latents"));
        String autoencoder = VaeHash.of(model.checkpoint())
                .orElseThrow(() -> new IllegalArgumentException("the model has no autoencoder to see pictures with"));
        this.pictures = new PictureLatents(folder, autoencoder, plan.data(), randomness);
        this.classes = new PictureLatents(folder, autoencoder, plan.data(), randomness);
        this.validation = new PictureLatents(folder, autoencoder, plan.data(), randomness);
        this.validationLog = new LossLog(plan.saving().state().resolve("validation-loss"));
    }

    private static PredictionType prediction(StableDiffusion model, TrainingPlan.Objective plan) {
        PredictionType wanted = plan.prediction() != null ? plan.prediction() : model.prediction();
        if (wanted != null) {
            return wanted;
        }
        try (TorchModel tried = TorchModel.load(model, Progress.NONE)) {
            return tried.prediction();
        }
    }

    /**
     * Trains, or goes on training where an earlier run with the same plan stopped, and writes the results.
     *
     * @param checkpoint the model to start from
     * @throws java.util.concurrent.CancellationException if the listener stops the training; its state is saved before
     * @throws IllegalArgumentException if the pictures or the plan cannot be used
     * @throws ArithmeticException if a loss or gradient is not finite; the last saved state stays
     */
    public static void run(Checkpoint checkpoint, TrainingPlan plan, TrainingListener listener) {
        run(checkpoint, plan, null, listener);
    }

    /**
     * As one of several processes that call this with the same model and plan and share a file system. Every step takes
     * {@code accumulation} batches from each of them. The first one does all the writing.
     *
     * @param workers the processes; null for this one alone
     */
    public static void run(
            Checkpoint checkpoint, TrainingPlan plan, @Nullable WorkerGroup workers, TrainingListener listener) {
        try {
            FineTuning training = new FineTuning(checkpoint, plan, workers, listener);
            if (workers != null && !workers.leads()) {
                workers.await(); // until the first has drawn and encoded the pictures
            }
            training.prepare();
            if (workers != null && workers.leads()) {
                workers.await();
            }
            training.train();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Finds, draws and encodes all pictures. */
    private void prepare() throws IOException {
        TrainingPlan.Data data = plan.data();
        List<TrainingPicture> found = read(data.folder());
        TrainingPlan.Prior prior = data.prior();
        List<TrainingPicture> ofClass = prior == null
                ? List.of()
                : ClassPictures.of(
                        model, prior, data.width(), data.height(), plan.course().seed(), listener);
        List<TrainingPicture> measured = data.validation() == null ? List.of() : read(data.validation());
        try (TorchTrainer encoder = trainer(EnumSet.of(Network.VAE_ENCODER), Trainable.weights(_ -> false))) {
            pictures.add(found, encoder::encode, listener);
            classes.add(ofClass, encoder::encode, listener);
            validation.add(measured, encoder::encode, listener);
        }
        Stream.of(pictures, classes, validation)
                .flatMap(all -> all.skipped().stream())
                .forEach(listener::skipped);
        if (pictures.pictures().isEmpty()) {
            throw new IllegalArgumentException("no picture in %s can be used".formatted(data.folder()));
        }
        pictures.pictures().stream()
                .map(TrainingPicture::caption)
                .distinct()
                .filter(caption -> tokens.excess(caption) > 0)
                .forEach(caption -> listener.skipped("the last %d tokens of a caption that is too long: %s"
                        .formatted(tokens.excess(caption), caption)));
    }

    private List<TrainingPicture> read(Path folder) throws IOException {
        PictureFolder.Contents contents = PictureFolder.read(folder, plan.data().caption());
        contents.skipped().forEach(listener::skipped);
        return contents.pictures();
    }

    private TorchTrainer trainer(Set<Network> networks, Trainable trainable) {
        double dropout = plan.method() instanceof TrainingPlan.Lora lora ? lora.dropout() : 0;
        return TorchTrainer.of(
                model,
                networks,
                trainable,
                plan.course().optimizer(),
                new TrainerOptions(
                        plan.course().checkpointing(),
                        plan.course().average() != null,
                        dropout,
                        plan.course().precision(),
                        workers));
    }

    private boolean trainsText() {
        return switch (plan.method()) {
            case TrainingPlan.Weights weights -> weights.textEncoder();
            case TrainingPlan.Lora lora -> lora.textEncoder();
            case TrainingPlan.Word _ -> true;
        };
    }

    /** What the text encoders make of all captions there are, unless that changes or is too much. */
    private @Nullable TextEncodings encodings() {
        Set<String> captions = new LinkedHashSet<>();
        Stream.of(pictures, classes, validation)
                .flatMap(all -> all.pictures().stream())
                .forEach(picture -> captions.add(plan.data().captions().plain(picture.caption())));
        captions.add("");
        if (trainsText() || !plan.data().captions().isFixed() || captions.size() > MOST_ENCODED) {
            return null;
        }
        try (TorchTrainer encoder = trainer(TEXT, Trainable.weights(_ -> false))) {
            return new TextEncodings(captions, caption -> batches.encode(encoder, List.of(caption)), listener);
        }
    }

    private void train() {
        TrainingPlan.Course course = plan.course();
        Batches order = inOrder("order", pictures);
        Batches classOrder = classes.pictures().isEmpty() ? order : inOrder("class order", classes);
        int steps = course.steps() > 0
                ? course.steps()
                : Math.ceilDiv(course.epochs() * order.perEpoch(), batchesPerStep());
        TextEncodings encodings = encodings();
        Set<Network> networks = EnumSet.of(Network.UNET);
        if (encodings == null) {
            networks.addAll(TEXT);
        }
        LoraModules loras =
                plan.method() instanceof TrainingPlan.Lora lora ? new LoraModules(model, lora, randomness) : null;
        RateSchedule schedule = course.schedule().of(steps);
        Path state = plan.saving().state();
        TrainingLoop loop =
                new TrainingLoop(state, "model", steps, plan.saving().stateEvery(), settings(), leads(), listener);
        Previews previews = new Previews(
                state.resolve("samples"),
                plan.saving().samplePrompts(),
                plan.data().width(),
                course.seed());
        try (TorchTrainer trainer = trainer(networks, trainable(loras))) {
            announce(trainer, order.perEpoch(), steps);
            loop.run(trainer, step -> {
                if (step == 0 && leads()) {
                    measure(trainer, encodings, 0, steps);
                } else if (!resumed) {
                    int every = plan.saving().sampleEvery();
                    validationLog.resume(1 + (every > 0 ? step / every : 0));
                }
                resumed = true;
                double loss = 0;
                for (int i = 0; i < course.accumulation(); i++) {
                    long number = (long) step * batchesPerStep() + (long) i * processes() + rank();
                    loss += learn(trainer, encodings, pictures, order.at(number), "batch", number, 1);
                    TrainingPlan.Prior prior = plan.data().prior();
                    if (prior != null) {
                        List<Integer> chosen = classOrder.at(number);
                        loss += learn(trainer, encodings, classes, chosen, "class batch", number, prior.weight());
                    }
                }
                double rate = course.rate() * schedule.factor(step);
                double norm = update(trainer, rate, step);
                int done = step + 1;
                if (leads() && done < steps && isDue(plan.saving().every(), done)) {
                    write(trainer, loras, stepFile(done), done);
                }
                if (leads() && (done == steps || isDue(plan.saving().sampleEvery(), done))) {
                    measure(trainer, encodings, done, steps);
                    previews.draw(trainer, words(trainer), done);
                }
                double mean = workers == null ? loss : workers.mean(loss);
                return new TrainingStep("model", done, steps, rate, mean / course.accumulation(), norm);
            });
            if (leads()) {
                write(trainer, loras, plan.saving().output(), trainer.step());
            }
        }
    }

    private void announce(TorchTrainer trainer, int perEpoch, int steps) {
        Map<Object, Integer> sizes = new LinkedHashMap<>();
        pictures.sizes().forEach(size -> sizes.merge(size, 1, Integer::sum));
        int repeated =
                pictures.pictures().stream().mapToInt(TrainingPicture::repeats).sum();
        listener.planned("%d pictures, %d with repeats: %s"
                .formatted(
                        pictures.pictures().size(),
                        repeated,
                        sizes.entrySet().stream()
                                .map(size -> size.getValue() + " of " + size.getKey())
                                .collect(Collectors.joining(", "))));
        if (!classes.pictures().isEmpty()) {
            listener.planned("%d pictures of the class, one batch beside each"
                    .formatted(classes.pictures().size()));
        }
        listener.planned(String.format(
                Locale.ROOT,
                "%d steps of %d × %d pictures, %.1f epochs of %d batches",
                steps,
                batchesPerStep(),
                plan.course().batch(),
                (double) steps * batchesPerStep() / perEpoch,
                perEpoch));
        long numbers = trainer.values().tensors().values().stream()
                .mapToLong(tensor -> tensor.shape().elements())
                .sum();
        listener.planned(String.format(Locale.ROOT, "%,d numbers are trained", numbers));
    }

    private List<Embedding> words(TorchTrainer trainer) {
        return plan.method() instanceof TrainingPlan.Word word
                ? List.of(WordVectors.embedding(trainer.values(), model, word))
                : List.of();
    }

    private boolean leads() {
        return workers == null || workers.leads();
    }

    private int rank() {
        return workers == null ? 0 : workers.place().rank();
    }

    private int processes() {
        return workers == null ? 1 : workers.place().size();
    }

    private int batchesPerStep() {
        return plan.course().accumulation() * processes();
    }

    private static boolean isDue(int every, int step) {
        return every > 0 && step % every == 0;
    }

    /** kohya's name for a file that is written on the way. */
    private Path stepFile(int step) {
        Path output = plan.saving().output();
        String name = output.getFileName().toString();
        int dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length();
        return output.resolveSibling("%s-step%08d%s".formatted(name.substring(0, dot), step, name.substring(dot)));
    }

    private double update(TorchTrainer trainer, double rate, int step) {
        TrainingPlan.Course course = plan.course();
        EmaSchedule average = course.average();
        double norm = trainer.update(
                rate,
                course.maxNorm() > 0 ? course.maxNorm() : Double.POSITIVE_INFINITY,
                average == null ? 0 : average.decay(step + 1));
        if (plan.method() instanceof TrainingPlan.Word word && word.keepNorm()) {
            trainer.pullWords(WORD_LENGTH, Math.min(1, 100 * rate));
        }
        return norm;
    }

    /** What must be the same for a run to go on from another's state. */
    private Map<String, String> settings() {
        TrainingPlan.Course course = plan.course();
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("method", plan.method().toString());
        settings.put("objective", plan.objective().toString());
        settings.put("prediction", prediction.toString());
        settings.put("batch", "%d × %d".formatted(course.batch(), batchesPerStep()));
        settings.put(
                "learning rate",
                "%s, text encoder %s, %s".formatted(course.rate(), course.textRate(), course.schedule()));
        settings.put("optimizer", course.optimizer().toString());
        settings.put("gradient norm", Double.toString(course.maxNorm()));
        settings.put("moving averages", String.valueOf(course.average()));
        settings.put("precision", course.precision().toString());
        settings.put("seed", Long.toString(course.seed()));
        settings.put("captions", plan.data().captions().toString());
        settings.put("pictures", pictures.digest());
        settings.put("pictures of the class", classes.digest());
        return settings;
    }

    private Trainable trainable(@Nullable LoraModules loras) {
        return switch (plan.method()) {
            case TrainingPlan.Weights weights ->
                Trainable.weights(name -> switch (Component.of(name)) {
                            case UNET -> true;
                            case TEXT_ENCODER -> weights.textEncoder();
                            default -> false;
                        })
                        .rates(name -> Component.of(name) == Component.TEXT_ENCODER ? textFactor() : 1);
            case TrainingPlan.Lora _ ->
                Trainable.adapters(loras == null ? List.of() : loras.adapters())
                        .rates(name -> name.startsWith("lora_te") ? textFactor() : 1);
            case TrainingPlan.Word word -> Trainable.words(WordVectors.initial(model, word));
        };
    }

    private double textFactor() {
        return plan.course().textRate() / plan.course().rate();
    }

    private Batches inOrder(String purpose, PictureLatents of) {
        return new Batches(
                of.sizes(),
                of.pictures().stream().map(TrainingPicture::repeats).toList(),
                plan.course().batch(),
                epoch -> randomness.at(purpose, epoch));
    }

    /** Adds the gradients of a batch, and returns its loss. */
    private double learn(
            TorchTrainer trainer,
            @Nullable TextEncodings encodings,
            PictureLatents from,
            List<Integer> chosen,
            String purpose,
            long number,
            double weight) {
        RandomGenerator random = randomness.at(purpose, number);
        PictureLatents.Sample sample = from.sample(chosen, model.vae().latentScale(), random);
        List<String> captions = sample.pictures().stream()
                .map(picture -> plan.data().captions().apply(picture.caption(), random))
                .toList();
        NoiseShape.Noise noise = plan.objective().noise().draw(sample.latents(), random);
        int[] timesteps = plan.objective().timesteps().draw(chosen.size(), random);
        Denoising.Question question = objective.ask(sample.latents(), noise, timesteps);
        for (int i = 0; i < chosen.size(); i++) {
            question.weights()[i] *= (float) (weight / plan.course().accumulation());
        }
        DenoisingBatch batch = batches.of(sample, question, captions, texts(trainer, encodings), random.nextLong());
        return weight * mean(trainer.denoise(batch));
    }

    /** How a step gets its captions: read before, read in the step and trained, or read in the step. */
    private DenoisingBatches.Texts texts(TorchTrainer trainer, @Nullable TextEncodings encodings) {
        if (encodings != null) {
            return encodings::of;
        }
        return trainsText() ? batches::captions : captions -> batches.encode(trainer, captions);
    }

    private static double mean(float[] errors) {
        double sum = 0;
        for (float error : errors) {
            sum += error;
        }
        return sum / errors.length;
    }

    /** The mean squared error on the pictures for validation, each time with the same noise at the same timesteps. */
    private void measure(TorchTrainer trainer, @Nullable TextEncodings encodings, int step, int steps) {
        if (validation.pictures().isEmpty()) {
            return;
        }
        double sum = 0;
        int count = validation.pictures().size() * VALIDATION_TIMESTEPS;
        for (int i = 0; i < count; i++) {
            RandomGenerator random = randomness.at("validation", i);
            int picture = i / VALIDATION_TIMESTEPS;
            int timestep = (2 * (i % VALIDATION_TIMESTEPS) + 1)
                    * objective.alphasCumprod().length
                    / (2 * VALIDATION_TIMESTEPS);
            List<Integer> chosen = List.of(picture);
            PictureLatents.Sample sample = validation.sample(chosen, model.vae().latentScale(), random);
            NoiseShape.Noise noise = NoiseShape.PLAIN.draw(sample.latents(), random);
            Denoising.Question question = objective.ask(sample.latents(), noise, new int[] {timestep});
            String caption = plan.data()
                    .captions()
                    .plain(validation.pictures().get(picture).caption());
            sum += mean(trainer.evaluate(batches.of(sample, question, List.of(caption), texts(trainer, encodings), 0)));
        }
        TrainingStep measured = new TrainingStep("validation", step, steps, 0, sum / count, 0);
        validationLog.add(measured);
        validationLog.write();
        listener.measured(measured);
    }

    private void write(TorchTrainer trainer, @Nullable LoraModules loras, Path file, int step) {
        boolean averaged = plan.course().average() != null;
        Checkpoint values = averaged && !plan.saving().withAverages() ? trainer.averages() : trainer.values();
        Checkpoint result = switch (plan.method()) {
            case TrainingPlan.Lora _ ->
                loras == null ? values : loras.file(values, plan.saving().naming());
            case TrainingPlan.Word word ->
                WordVectors.file(values, model, word, plan.saving().naming());
            case TrainingPlan.Weights _ -> whole(values, averaged ? trainer.averages() : values, step);
        };
        Map<String, String> metadata = new LinkedHashMap<>(
                plan.method() instanceof TrainingPlan.Weights
                        ? model.checkpoint().metadata()
                        : Map.of());
        metadata.putAll(TrainingMetadata.of(model, prediction, plan, settings().toString(), pictures.pictures(), step));
        result.cast(plan.saving().dtype()).withMetadata(metadata).writeTo(file, Progress.NONE);
    }

    /**
     * The model with other weights. Averages that the model came with are left out: they are those of other weights. {@code averages}
     * take their place if they are asked for, named as CompVis does.
     */
    private Checkpoint whole(Checkpoint values, Checkpoint averages, int step) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        model.checkpoint().tensors().forEach((name, tensor) -> {
            if (Component.of(name) != Component.EMA) {
                tensors.put(name, values.find(name).orElse(tensor));
            }
        });
        EmaSchedule average = plan.course().average();
        if (plan.saving().withAverages() && average != null) {
            averages.tensors().forEach((name, tensor) -> {
                if (Component.of(name) == Component.UNET) {
                    tensors.put("model_ema." + name.substring("model.".length()).replace(".", ""), tensor);
                }
            });
            tensors.put("model_ema.decay", Tensor.of(DType.F32, Shape.of(), MemorySegment.ofArray(new float[] {
                (float) average.decay(Integer.MAX_VALUE)
            })));
            tensors.put(
                    "model_ema.num_updates", Tensor.of(DType.I32, Shape.of(), MemorySegment.ofArray(new int[] {step})));
        }
        return Checkpoint.of(model.checkpoint().sources(), tensors, Map.of());
    }
}
