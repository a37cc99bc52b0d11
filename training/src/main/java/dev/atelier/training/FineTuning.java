package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.VaeHash;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.engine.torch.TrainerOptions;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.SizeConditioning;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.Batches;
import dev.atelier.training.data.PictureFolder;
import dev.atelier.training.data.TrainingPicture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Fine-tunes a model: DreamBooth, LoRA, textual inversion or all of its weights. */
public final class FineTuning {
    private static final Set<Network> TEXT = EnumSet.of(Network.TEXT_ENCODER, Network.TEXT_ENCODER_2);

    /** More captions than this are read anew in every step; what is made of one takes 0.2 to 0.6 MB. */
    private static final int MOST_ENCODED = 2000;

    private final StableDiffusion model;
    private final TrainingPlan plan;
    private final TrainingListener listener;
    private final Randomness randomness;
    private final CaptionTokens tokens;
    private final Denoising objective;

    private FineTuning(StableDiffusion model, TrainingPlan plan, TrainingListener listener) {
        this.model = model;
        this.plan = plan;
        this.listener = listener;
        this.randomness = new Randomness(plan.course().seed());
        this.tokens = plan.method() instanceof TrainingPlan.Word word
                ? new CaptionTokens(word.word(), word.vectors())
                : new CaptionTokens();
        this.objective = new Denoising(model.alphasCumprod(), plan.objective().snrGamma());
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
        try {
            Files.createDirectories(plan.saving().state());
            new FineTuning(StableDiffusion.of(checkpoint), plan, listener).run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void run() throws IOException {
        TrainingPlan.Data data = plan.data();
        PictureLatents instances = new PictureLatents(latentFolder(), autoencoder(), data, randomness);
        PictureLatents classes = new PictureLatents(latentFolder(), autoencoder(), data, randomness);
        PictureFolder.Contents found = PictureFolder.read(data.folder(), data.caption());
        found.skipped().forEach(listener::skipped);
        try (TorchTrainer encoder = trainer(EnumSet.of(Network.VAE_ENCODER), Trainable.weights(_ -> false))) {
            instances.add(found.pictures(), encoder::encode, listener);
        }
        instances.skipped().forEach(listener::skipped);
        train(instances, classes);
    }

    private Path latentFolder() throws IOException {
        return Files.createDirectories(plan.saving().state().resolve("latents"));
    }

    private String autoencoder() {
        return VaeHash.of(model.checkpoint())
                .orElseThrow(
                        () -> new IllegalArgumentException("the model has no autoencoder to learn from pictures with"));
    }

    private TorchTrainer trainer(Set<Network> networks, Trainable trainable) {
        return TorchTrainer.of(
                model,
                networks,
                trainable,
                plan.course().optimizer(),
                new TrainerOptions(
                        plan.course().checkpointing(),
                        plan.course().emaDecay() > 0,
                        plan.method() instanceof TrainingPlan.Lora lora ? lora.dropout() : 0));
    }

    private boolean trainsText() {
        return switch (plan.method()) {
            case TrainingPlan.Weights weights -> weights.textEncoder();
            case TrainingPlan.Lora lora -> lora.textEncoder();
            case TrainingPlan.Word _ -> true;
        };
    }

    private @Nullable TextEncodings encodings(Stream<TrainingPicture> pictures) {
        LinkedHashSet<String> captions = new LinkedHashSet<>();
        pictures.forEach(picture -> captions.add(plan.data().captions().plain(picture.caption())));
        captions.add("");
        if (trainsText() || !plan.data().captions().isFixed() || captions.size() > MOST_ENCODED) {
            return null;
        }
        try (TorchTrainer encoder = trainer(TEXT, Trainable.weights(_ -> false))) {
            return new TextEncodings(captions, caption -> encode(encoder, List.of(caption)), listener);
        }
    }

    private DenoisingBatch.Encoded encode(TorchTrainer encoder, List<String> captions) {
        return encoder.encodeText(windows(captions), plan.objective().clipSkip());
    }

    private int[][] windows(List<String> captions) {
        return captions.stream().map(tokens::of).toArray(int[][]::new);
    }

    private void train(PictureLatents instances, PictureLatents classes) {
        TrainingPlan.Course course = plan.course();
        Batches order = batches("order", instances);
        Batches classOrder = classes.pictures().isEmpty() ? order : batches("class order", classes);
        TextEncodings encodings = encodings(Stream.concat(instances.pictures().stream(), classes.pictures().stream()));
        int steps = course.steps() > 0
                ? course.steps()
                : Math.ceilDiv(course.epochs() * order.perEpoch(), course.accumulation());
        Set<Network> networks = EnumSet.of(Network.UNET);
        if (encodings == null) {
            networks.addAll(TEXT);
        }
        LoraModules loras =
                plan.method() instanceof TrainingPlan.Lora lora ? new LoraModules(model, lora, randomness) : null;
        try (TorchTrainer trainer = trainer(networks, trainable(loras))) {
            LearningRate rate = new LearningRate(course.rate(), course.warmup(), 1, steps);
            new TrainingLoop(plan.saving().state(), "model", steps, listener).run(trainer, step -> {
                double loss = 0;
                for (int i = 0; i < course.accumulation(); i++) {
                    long number = (long) step * course.accumulation() + i;
                    loss += learn(trainer, encodings, instances, order.at(number), "batch", number, 1);
                    TrainingPlan.Prior prior = plan.data().prior();
                    if (prior != null) {
                        loss += learn(
                                trainer,
                                encodings,
                                classes,
                                classOrder.at(number),
                                "class batch",
                                number,
                                prior.weight());
                    }
                }
                double norm = trainer.update(
                        rate.at(step),
                        course.maxNorm() > 0 ? course.maxNorm() : Double.POSITIVE_INFINITY,
                        course.emaDecay() > 0 ? Math.min(course.emaDecay(), (1.0 + step) / (10.0 + step)) : 0);
                return new TrainingStep("model", step + 1, steps, rate.at(step), loss / course.accumulation(), norm);
            });
            write(trainer, loras, plan.saving().output(), trainer.step());
        }
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
            case TrainingPlan.Word _ -> throw new UnsupportedOperationException();
        };
    }

    private double textFactor() {
        return plan.course().textRate() / plan.course().rate();
    }

    private Batches batches(String purpose, PictureLatents pictures) {
        return new Batches(
                pictures.sizes(),
                pictures.pictures().stream().map(TrainingPicture::repeats).toList(),
                plan.course().batch(),
                epoch -> randomness.at(purpose, epoch));
    }

    /** Adds the gradients of a batch, and returns its loss. */
    private double learn(
            TorchTrainer trainer,
            @Nullable TextEncodings encodings,
            PictureLatents pictures,
            List<Integer> chosen,
            String purpose,
            long number,
            double weight) {
        RandomGenerator random = randomness.at(purpose, number);
        PictureLatents.Sample sample = pictures.sample(chosen, model.vae().latentScale(), random);
        List<String> captions = chosen.stream()
                .map(picture -> plan.data()
                        .captions()
                        .apply(pictures.pictures().get(picture).caption(), random))
                .toList();
        FloatArray noise = Randomness.normal(random, sample.latents().shape());
        int n = chosen.size();
        Denoising.Question question = objective.ask(sample.latents(), noise, objective.timesteps(n, random));
        List<String> distinct = captions.stream().distinct().toList();
        float[] weights = question.weights();
        for (int i = 0; i < n; i++) {
            weights[i] *= (float) (weight / plan.course().accumulation());
        }
        DenoisingBatch batch = new DenoisingBatch(
                question.noisy(),
                question.timesteps(),
                text(trainer, encodings, distinct),
                captions.stream().mapToInt(distinct::indexOf).toArray(),
                sizes(pictures, chosen, sample),
                question.target(),
                weights,
                sample.mask(),
                random.nextLong());
        double sum = 0;
        for (float error : trainer.denoise(batch)) {
            sum += error;
        }
        return weight * sum / n;
    }

    private DenoisingBatch.Text text(TorchTrainer trainer, @Nullable TextEncodings encodings, List<String> captions) {
        if (encodings != null) {
            return encodings.of(captions);
        }
        return trainsText()
                ? new DenoisingBatch.Captions(
                        windows(captions), plan.objective().clipSkip())
                : encode(trainer, captions);
    }

    /** What SDXL is told: how large the picture was, what was cut off, how large it is now. */
    private @Nullable FloatArray sizes(PictureLatents pictures, List<Integer> chosen, PictureLatents.Sample sample) {
        if (!model.family().isXl()) {
            return null;
        }
        List<float[]> rows = new ArrayList<>();
        for (int i = 0; i < chosen.size(); i++) {
            TrainingPicture picture = pictures.pictures().get(chosen.get(i));
            var part = sample.parts().get(i);
            rows.add(new SizeConditioning(
                            picture.width(), picture.height(), part.left(), part.top(), part.width(), part.height())
                    .vector(FloatArray.of(new float[0], 1, 0), model.family(), 0)
                    .values());
        }
        int width = rows.getFirst().length;
        float[] all = new float[rows.size() * width];
        for (int i = 0; i < rows.size(); i++) {
            System.arraycopy(rows.get(i), 0, all, i * width, width);
        }
        return FloatArray.of(all, rows.size(), width);
    }

    private void write(TorchTrainer trainer, @Nullable LoraModules loras, Path file, int step) {
        boolean averaged = plan.course().emaDecay() > 0;
        Checkpoint result = loras != null
                ? loras.kohyaFile(averaged ? trainer.averages() : trainer.values())
                : averaged ? trainer.averaged() : trainer.trained();
        Map<String, String> metadata = new LinkedHashMap<>(result.metadata());
        metadata.put("ss_steps", Integer.toString(step));
        result.cast(plan.saving().dtype()).withMetadata(metadata).writeTo(file, Progress.NONE);
    }
}
