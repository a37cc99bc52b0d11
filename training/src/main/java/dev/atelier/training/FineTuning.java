package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.torch.LoraDropout;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.engine.torch.TrainerOptions;
import dev.atelier.engine.torch.WorkerGroup;
import dev.atelier.model.Embedding;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.Batches;
import dev.atelier.training.data.TrainingPicture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Fine-tunes a model: DreamBooth, LoRA, textual inversion or all of its weights. */
public final class FineTuning {
    private static final Set<Network> TEXT = EnumSet.of(Network.TEXT_ENCODER, Network.TEXT_ENCODER_2);

    /** More captions than this are read anew in every step; what is made of one takes 0.2 to 0.6 MB. */
    private static final int MOST_ENCODED = 2000;

    /** About the length of CLIP's vectors, cloneofsimo/lora {@code cli_lora_pti.py}. */
    private static final double WORD_LENGTH = 0.4;

    private final StableDiffusion model;
    private final PredictionType prediction;
    private final TrainingPlan plan;
    private final TrainingListener listener;
    private final Team team;
    private final Randomness randomness;
    private final CaptionTokens tokens;
    private final DenoisingBatches batches;
    private final Denoising objective;
    private final TrainingPictures pictures;
    private final LossLog validationLog;
    private boolean looked; // whether in this run, for the first time

    private FineTuning(Checkpoint checkpoint, TrainingPlan plan, Team team, TrainingListener listener)
            throws IOException {
        StableDiffusion opened = StableDiffusion.of(checkpoint);
        this.model = plan.objective().zeroSnr() ? opened.withZeroTerminalSnr(true) : opened;
        this.prediction = prediction(model, plan.objective());
        if (plan.objective().zeroSnr() && prediction == PredictionType.EPSILON) {
            throw new IllegalArgumentException(
                    "--zero-snr wants --prediction v: pure noise tells a model that answers with noise nothing");
        }
        if (plan.objective().dream().on() && prediction != PredictionType.EPSILON) {
            throw new IllegalArgumentException("--dream is for models that answer with noise");
        }
        this.plan = plan;
        this.listener = listener;
        this.team = team;
        this.randomness = new Randomness(plan.course().seed());
        this.tokens = plan.method() instanceof TrainingMethod.Word word
                ? new CaptionTokens(plan.objective().captionTokens(), word.word(), word.vectors())
                : new CaptionTokens(plan.objective().captionTokens(), "", 0);
        this.objective = new Denoising(
                model.alphasCumprod(), prediction, plan.objective().weights());
        this.batches = new DenoisingBatches(model, objective.alphasCumprod(), plan.objective(), tokens);
        try (TorchTrainer encoder = trainer(EnumSet.of(Network.VAE_ENCODER), Trainable.weights(_ -> false))) {
            this.pictures = TrainingPictures.of(model, plan, randomness, encoder::encode, listener);
        }
        this.validationLog = new LossLog(plan.output().state().resolve("validation-loss"));
    }

    private static PredictionType prediction(StableDiffusion model, TrainingObjective plan) {
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
        Team team = new Team(workers);
        try {
            if (!team.leads()) {
                team.await(); // until the first has drawn and encoded the pictures
            }
            FineTuning training = new FineTuning(checkpoint, plan, team, listener);
            if (team.leads()) {
                team.await();
            }
            training.train();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private TorchTrainer trainer(Set<Network> networks, Trainable trainable) {
        LoraDropout dropout = plan.method() instanceof TrainingMethod.Lora lora
                ? new LoraDropout(lora.dropout(), lora.rankDropout(), lora.moduleDropout())
                : LoraDropout.NONE;
        return TorchTrainer.of(
                model,
                networks,
                trainable,
                plan.course().optimizerSettings(),
                new TrainerOptions(
                        plan.course().checkpointing(),
                        plan.course().averages().schedule() != null,
                        dropout,
                        plan.course().precision(),
                        team.workers()));
    }

    /** What the text encoders make of all captions there are, unless that changes or is too much. */
    private @Nullable TextEncodings encodings() {
        Set<String> captions = new LinkedHashSet<>();
        pictures.captions().forEach(captions::add);
        captions.add("");
        if (plan.method().trainsText() || !pictures.captionsAreFixed() || captions.size() > MOST_ENCODED) {
            return null;
        }
        try (TorchTrainer encoder = trainer(TEXT, Trainable.weights(_ -> false))) {
            return new TextEncodings(captions, caption -> batches.encode(encoder, List.of(caption)), listener);
        }
    }

    private void train() {
        pictures.captions()
                .filter(caption -> tokens.excess(caption) > 0)
                .forEach(caption -> listener.skipped("the last %d tokens of a caption that is too long: %s"
                        .formatted(tokens.excess(caption), caption)));
        Batches order = inOrder("order", pictures.proper());
        Batches classOrder = inOrder("class order", pictures.ofClass());
        int perEpoch = Math.ceilDiv(order.perEpoch(), batchesPerStep());
        TrainingCourse course = plan.course();
        int steps = course.epochs() == null || course.steps() > 0
                ? course.steps()
                : Math.ceilDiv(course.epochs() * order.perEpoch(), batchesPerStep());
        TextEncodings encodings = encodings();
        Set<Network> networks = EnumSet.of(Network.UNET);
        if (encodings == null) {
            networks.addAll(TEXT);
        }
        LoraModules loras =
                plan.method() instanceof TrainingMethod.Lora lora ? new LoraModules(model, lora, randomness) : null;
        Path state = plan.output().state();
        TrainingLoop loop =
                new TrainingLoop(state, "model", steps, plan.output().stateSteps(), settings(), team.leads(), listener);
        Previews previews = new Previews(
                state.resolve("samples"),
                plan.output().prompts(),
                plan.data().size(model.nativeSize()),
                course.seed(),
                listener);
        TrainedFiles files = new TrainedFiles(
                model,
                plan,
                loras,
                step -> TrainingMetadata.of(
                        model,
                        prediction,
                        plan,
                        settings().toString(),
                        pictures.proper().pictures(),
                        step));
        RateSchedule schedule = course.schedule().of(steps);
        double rate = course.rate() * (course.scaleRate() ? course.batch() * batchesPerStep() : 1);
        try (TorchTrainer trainer = trainer(networks, trainable(loras))) {
            PictureLosses losses = new PictureLosses(model, plan, randomness, objective, batches, trainer, encodings);
            announce(trainer, order.perEpoch(), steps);
            loop.run(trainer, step -> {
                look(losses, previews, trainer, step, steps, perEpoch);
                boolean trainsText = trainsText(trainer, step, steps);
                double loss = 0;
                for (int i = 0; i < course.accumulation(); i++) {
                    long number = (long) step * batchesPerStep() + (long) i * team.size() + team.rank();
                    loss += learn(losses, order, classOrder, number, step, trainsText);
                }
                double now = rate * schedule.factor(step);
                double norm = update(trainer, now, step);
                int done = step + 1;
                if (team.leads() && done < steps && plan.output().isDue(done, perEpoch)) {
                    files.write(trainer, done);
                }
                return new TrainingStep("model", done, steps, now, team.mean(loss) / course.accumulation(), norm);
            });
            look(losses, previews, trainer, steps, steps, perEpoch);
            if (team.leads()) {
                files.write(trainer);
            }
        }
    }

    /**
     * Measures and draws what is due after {@code done} steps. Who stops it here goes on with it: the state is that of these steps.
     */
    private void look(
            PictureLosses losses, Previews previews, TorchTrainer trainer, int done, int steps, int perEpoch) {
        if (done > 0 && !looked) {
            validationLog.resume(1
                    + (int) IntStream.range(1, done)
                            .filter(earlier -> plan.output().isSampleDue(earlier, perEpoch))
                            .count());
        }
        looked = true;
        boolean due = done == steps || plan.output().isSampleDue(done, perEpoch);
        if (team.leads() && (due || done == 0)) {
            measure(losses, done, steps);
        }
        if (team.leads() && (done == 0 ? plan.output().sampleFirst() : due)) {
            previews.draw(trainer, words(trainer), done);
        }
    }

    /** A batch of the pictures proper, and beside it one of the class if there are such. */
    private double learn(
            PictureLosses losses, Batches order, Batches classOrder, long number, int step, boolean trainsText) {
        int epoch = (int) (number / order.perEpoch()) + 1;
        double loss = losses.learn(
                pictures.proper(),
                order.at(number),
                new PictureLosses.Turn("batch", number, step, epoch, trainsText),
                1);
        if (!pictures.ofClass().pictures().isEmpty()) {
            loss += losses.learn(
                    pictures.ofClass(),
                    classOrder.at(number),
                    new PictureLosses.Turn("class batch", number, step, epoch, trainsText),
                    plan.data().prior().weight());
        }
        return loss;
    }

    /** Whether text encoders learn in this step. From the first on in which they no longer do, they do not move either. */
    private boolean trainsText(TorchTrainer trainer, int step, int steps) {
        boolean stopped = !(plan.method() instanceof TrainingMethod.Word)
                && step >= plan.course().textStop(steps);
        if (stopped) {
            trainer.freeze(FineTuning::isText);
        }
        return plan.method().trainsText() && !stopped;
    }

    private void measure(PictureLosses losses, int step, int steps) {
        if (pictures.validation().pictures().isEmpty()) {
            return;
        }
        TrainingStep measured =
                new TrainingStep("validation", step, steps, 0, losses.measure(pictures.validation()), 0);
        validationLog.add(measured);
        validationLog.write();
        listener.measured(measured);
    }

    private void announce(TorchTrainer trainer, int perEpoch, int steps) {
        pictures.lines().forEach(listener::planned);
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
        return plan.method() instanceof TrainingMethod.Word word
                ? List.of(WordVectors.embedding(trainer.values(), model, word))
                : List.of();
    }

    private int batchesPerStep() {
        return plan.course().accumulation() * team.size();
    }

    private double update(TorchTrainer trainer, double rate, int step) {
        TrainingCourse course = plan.course();
        EmaSchedule average = course.averages().schedule();
        double norm = trainer.update(
                rate,
                course.maxNorm() > 0 ? course.maxNorm() : Double.POSITIVE_INFINITY,
                average == null ? 0 : average.decay(step + 1));
        switch (plan.method()) {
            case TrainingMethod.Word word
            when word.keepNorm() -> trainer.pullWords(WORD_LENGTH, Math.min(1, 100 * rate));
            case TrainingMethod.Lora lora when lora.normLimit() > 0 -> trainer.limitAdapters(lora.normLimit());
            default -> {}
        }
        return norm;
    }

    /** What must be the same for a run to go on from another's state. */
    private Map<String, String> settings() {
        TrainingCourse course = plan.course();
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("method", plan.method().toString());
        settings.put("objective", plan.objective().toString());
        settings.put("prediction", prediction.toString());
        settings.put("batch", "%d × %d".formatted(course.batch(), batchesPerStep()));
        settings.put(
                "learning rate",
                "%s, text encoder %s until %s, %s"
                        .formatted(course.rate(), course.textRates(), course.textStop(), course.schedule()));
        settings.put("optimizer", course.optimizerSettings().toString());
        settings.put("gradient norm", Double.toString(course.maxNorm()));
        settings.put("moving averages", String.valueOf(course.averages().schedule()));
        settings.put("precision", course.precision().toString());
        settings.put("seed", Long.toString(course.seed()));
        settings.put(
                "captions",
                plan.sources().stream()
                        .map(TrainingData::rule)
                        .distinct()
                        .toList()
                        .toString());
        settings.put("pictures", pictures.proper().digest());
        settings.put("pictures of the class", pictures.ofClass().digest());
        return settings;
    }

    /** Whether a parameter belongs to a text encoder. */
    private static boolean isText(String parameter) {
        return parameter.startsWith("lora_te") || Component.of(parameter) == Component.TEXT_ENCODER;
    }

    /** Whether a parameter belongs to XL's second text encoder. */
    private static boolean isSecondText(String parameter) {
        return parameter.startsWith("lora_te2") || parameter.startsWith("conditioner.embedders.1.");
    }

    /** The factor of a parameter's learning rate. */
    private double rate(String parameter, double ofUnet) {
        return isText(parameter) ? plan.course().textFactor(isSecondText(parameter) ? 1 : 0) : ofUnet;
    }

    private Trainable trainable(@Nullable LoraModules loras) {
        if (plan.course().textStop() != null
                && plan.course().optimizerSettings() instanceof OptimizerSettings.Prodigy) {
            throw new IllegalArgumentException(
                    "Prodigy finds one learning rate for all weights, and --text-stop wants two");
        }
        Set<String> used = model.weights();
        BlockValues blocks = BlockValues.of(plan.method().blockRates(), "block-lr", model.checkpoint());
        return switch (plan.method()) {
            case TrainingMethod.Weights weights ->
                Trainable.weights(name -> used.contains(name)
                                && switch (Component.of(name)) {
                                    case UNET -> true;
                                    case TEXT_ENCODER -> weights.textEncoder();
                                    default -> false;
                                })
                        .rates(name -> rate(name, blocks.at(name, 1)));
            case TrainingMethod.Lora lora ->
                Trainable.adapters(
                        loras == null ? List.of() : loras.adapters(),
                        adapter -> rate(adapter.name(), blocks.at(adapter.weight(), 1)),
                        lora.plus());
            case TrainingMethod.Word word -> Trainable.words(WordVectors.initial(model, word));
        };
    }

    private Batches inOrder(String purpose, PictureLatents of) {
        return new Batches(
                of.sizes(),
                of.pictures().stream().map(TrainingPicture::repeats).toList(),
                plan.course().batch(),
                epoch -> randomness.at(purpose, epoch));
    }
}
