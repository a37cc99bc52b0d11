package dev.atelier.training;

import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.TrainingPicture;
import dev.atelier.training.objective.NoiseShape;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** How far a network is off on pictures: with gradients for what is to be learnt, without for what is only measured. */
final class PictureLosses {
    /** At how many timesteps a picture for validation is measured. */
    private static final int VALIDATION_TIMESTEPS = 8;

    private final StableDiffusion model;
    private final TrainingPlan plan;
    private final Randomness randomness;
    private final Denoising objective;
    private final DenoisingBatches batches;
    private final TorchTrainer trainer;
    private final @Nullable TextEncodings encodings;

    /** @param encodings what captions were encoded to before; null if they are read in each step */
    PictureLosses(
            StableDiffusion model,
            TrainingPlan plan,
            Randomness randomness,
            Denoising objective,
            DenoisingBatches batches,
            TorchTrainer trainer,
            @Nullable TextEncodings encodings) {
        this.model = model;
        this.plan = plan;
        this.randomness = randomness;
        this.objective = objective;
        this.batches = batches;
        this.trainer = trainer;
        this.encodings = encodings;
    }

    /**
     * Which batch of a training this is.
     *
     * @param purpose of its random numbers
     * @param number of all batches with this purpose
     * @param step counted from 0
     * @param epoch counted from 1
     * @param trainsText whether text encoders get gradients in this step
     */
    record Turn(String purpose, long number, int step, int epoch, boolean trainsText) {}

    /** Adds the gradients of a batch, times {@code weight}, and returns its loss. */
    double learn(PictureLatents from, List<Integer> chosen, Turn turn, double weight) {
        RandomGenerator random = randomness.at(turn.purpose, turn.number);
        PictureLatents.Sample sample = from.sample(chosen, model.vae().latentScale(), random);
        List<String> captions = new ArrayList<>();
        sample.pictures().forEach(picture -> captions.add(caption(picture, turn, random)));
        NoiseShape.Noise noise = plan.objective().noise().draw(sample.latents(), random);
        int[] timesteps = plan.objective().timesteps().choice().draw(chosen.size(), random);
        Denoising.Question question = objective.ask(sample.latents(), noise, timesteps);
        for (int i = 0; i < chosen.size(); i++) {
            question.weights()[i] *= (float) (weight / plan.course().accumulation());
        }
        DenoisingBatch batch = batches.of(sample, question, captions, texts(turn.trainsText), random.nextLong());
        TrainingObjective.Dream dream = plan.objective().dream();
        DenoisingBatch asked = dream.on() ? objective.dream(batch, trainer.answer(batch), dream.power()) : batch;
        return weight * mean(trainer.denoise(asked));
    }

    private String caption(TrainingPicture picture, Turn turn, RandomGenerator random) {
        String own = picture.caption();
        String shown = plan.method() instanceof TrainingMethod.Word word ? word.caption(own, random) : own;
        return picture.rule().apply(shown, turn.step, turn.epoch, random);
    }

    /** How a step gets its captions: read before, read in the step and trained, or read in the step. */
    private DenoisingBatches.Texts texts(boolean trained) {
        if (encodings != null) {
            return encodings::of;
        }
        return trained ? batches::captions : captions -> batches.encode(trainer, captions);
    }

    /** The mean loss on pictures that are not trained on, each time with the same noise at the same timesteps. */
    double measure(PictureLatents validation) {
        double sum = 0;
        int count = validation.pictures().size() * VALIDATION_TIMESTEPS;
        for (int i = 0; i < count; i++) {
            RandomGenerator random = randomness.at("validation", i);
            int picture = i / VALIDATION_TIMESTEPS;
            int timestep = (2 * (i % VALIDATION_TIMESTEPS) + 1)
                    * objective.alphasCumprod().length
                    / (2 * VALIDATION_TIMESTEPS);
            PictureLatents.Sample sample =
                    validation.sample(List.of(picture), model.vae().latentScale(), random);
            NoiseShape.Noise noise = NoiseShape.PLAIN.draw(sample.latents(), random);
            Denoising.Question question = objective.ask(sample.latents(), noise, new int[] {timestep});
            String caption = validation.pictures().get(picture).plainCaption();
            sum += mean(trainer.evaluate(batches.of(sample, question, List.of(caption), texts(false), 0)));
        }
        return sum / count;
    }

    private static double mean(float[] errors) {
        double sum = 0;
        for (float error : errors) {
            sum += error;
        }
        return sum / errors.length;
    }
}
