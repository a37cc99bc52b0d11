package dev.atelier.training;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.engine.torch.ElementLoss;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.Precision;
import dev.atelier.training.data.CaptionRule;
import dev.atelier.training.objective.HuberWidth;
import dev.atelier.training.objective.LossWeight;
import dev.atelier.training.objective.MaskRule;
import dev.atelier.training.objective.NoiseShape;
import dev.atelier.training.objective.TimestepChoice;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that a fine-tuning goes by, besides the model.
 *
 * @param method what is trained
 * @param data what it is trained on
 * @param objective what is asked of the network
 * @param course how long, how fast
 * @param saving what is written, when and where
 */
public record TrainingPlan(Method method, Data data, Objective objective, Course course, Saving saving) {

    /** What of a model is trained. */
    public sealed interface Method {}

    /**
     * All of the UNet.
     *
     * @param textEncoder whether the text encoders are trained as well
     */
    public record Weights(boolean textEncoder) implements Method {}

    /**
     * LoRAs of layers of the UNet.
     *
     * @param rank how many numbers pass between the two factors
     * @param alpha the LoRA counts α / rank
     * @param convolutionRank the rank at convolutions of 3 × 3; 0 to leave them and what else is in residual blocks alone
     * @param attentionOnly only the four projections of each attention, as diffusers has it, and not all of the transformers
     * @param textEncoder whether the text encoders have LoRAs too
     * @param dropout with what probability each number between the factors is left out of a step
     */
    public record Lora(
            int rank, double alpha, int convolutionRank, boolean attentionOnly, boolean textEncoder, double dropout)
            implements Method {
        public Lora {
            if (rank < 1 || convolutionRank < 0 || !(alpha > 0)) {
                throw new IllegalArgumentException(
                        "a LoRA's rank and alpha are above 0, not %d and %s".formatted(rank, alpha));
            }
            if (!(dropout >= 0 && dropout < 1)) {
                throw new IllegalArgumentException("dropout is at least 0 and below 1, not " + dropout);
            }
        }
    }

    /**
     * Vectors of a new word, textual inversion.
     *
     * @param word how captions write it
     * @param initial a known word or words whose vectors it starts with
     * @param vectors how many vectors it has
     * @param keepNorm whether vectors are pulled to the length that CLIP's have
     */
    public record Word(String word, String initial, int vectors, boolean keepNorm) implements Method {
        public Word {
            if (word.isBlank() || initial.isBlank() || vectors < 1 || vectors > 75) {
                throw new IllegalArgumentException(
                        "a new word has a spelling, a word to start from, and 1 to 75 vectors, not \"%s\", \"%s\" and %d"
                                .formatted(word, initial, vectors));
            }
        }
    }

    /**
     * @param folder pictures, see {@link dev.atelier.training.data.PictureFolder}
     * @param caption of pictures that have none: the instance prompt
     * @param width that pictures are cut to; with {@code buckets} only the area counts
     * @param buckets whether pictures keep about their proportions
     * @param leastSide of a bucket, in pixels
     * @param mostSide of a bucket, in pixels
     * @param bucketStep what sides of buckets are multiples of
     * @param enlarge whether small pictures are made larger
     * @param mirror whether pictures are seen mirrored half of the time
     * @param crops how many parts of each picture are seen, at random places; 0 for the middle alone
     * @param masks whether only what is white in a picture's mask counts, or what is opaque in the picture itself
     * @param captions how captions change from use to use
     * @param prior what else the model is to keep; null for nothing
     * @param validation pictures to measure on, not trained on; null for none
     */
    public record Data(
            Path folder,
            String caption,
            int width,
            int height,
            boolean buckets,
            int leastSide,
            int mostSide,
            int bucketStep,
            boolean enlarge,
            boolean mirror,
            int crops,
            boolean masks,
            CaptionRule captions,
            @Nullable Prior prior,
            @Nullable Path validation) {}

    /**
     * Prior preservation (Ruiz et al. 2022, "DreamBooth"): beside every batch the model sees one of pictures of the class, which it
     * has drawn itself before, so that it does not forget what others of the kind look like.
     *
     * @param prompt what pictures of the class are drawn from, and their caption if they have none
     * @param folder where they lie, or will
     * @param count how many there have to be; what is missing is drawn
     * @param weight how much their error counts against that of the pictures proper
     */
    public record Prior(String prompt, Path folder, int count, double weight) {}

    /** How far off an answer is. */
    public enum Loss {
        L2,
        L1,
        HUBER,
        SMOOTH_L1;

        ElementLoss with(float[] widths) {
            return switch (this) {
                case L2 -> new ElementLoss.Squared();
                case L1 -> new ElementLoss.Absolute();
                case HUBER -> new ElementLoss.Huber(widths);
                case SMOOTH_L1 -> new ElementLoss.SmoothL1(widths);
            };
        }
    }

    /**
     * @param prediction what the UNet is to predict; null for what the model does
     * @param weights how much the error at a timestep counts; several are multiplied
     * @param noise what latents are mixed with
     * @param timesteps how much
     * @param loss how far off an answer is
     * @param width where a Huber loss bends
     * @param masks how masks weigh errors
     * @param clipSkip at which layer from the end SD 1.x's text encoder stops
     * @param captionTokens how many tokens of a caption are read: 75, 150 or 225, as kohya's {@code max_token_length}
     */
    public record Objective(
            @Nullable PredictionType prediction,
            List<LossWeight> weights,
            NoiseShape noise,
            TimestepChoice timesteps,
            Loss loss,
            HuberWidth width,
            MaskRule masks,
            int clipSkip,
            int captionTokens) {
        public Objective {
            if (captionTokens % CaptionTokens.READ != 0
                    || captionTokens < 1
                    || captionTokens > 3 * CaptionTokens.READ) {
                throw new IllegalArgumentException("75, 150 or 225 tokens of a caption are read, not " + captionTokens);
            }
            weights = List.copyOf(weights);
        }
    }

    /** What the learning rate does after it has risen, see {@link RateSchedule}. */
    public enum Shape {
        CONSTANT,
        CONSTANT_WITH_WARMUP,
        LINEAR,
        COSINE,
        COSINE_WITH_RESTARTS,
        COSINE_WITH_MIN_LR,
        POLYNOMIAL,
        PIECEWISE_CONSTANT,
        INVERSE_SQRT,
        WARMUP_STABLE_DECAY,
        REX
    }

    /**
     * How the learning rate runs.
     *
     * @param warmup over how many steps it rises; below 1 it is a share of all steps
     * @param cycles how often it falls, with restarts
     * @param power of a polynomial's fall
     * @param least what is left at the end, as a share of the rate, where the shape has such
     * @param decay over how many steps it falls after a stable time; below 1 it is a share of all steps
     * @param pieces of a piecewise constant rate, see {@link RateSchedule.Piecewise#of}
     */
    public record Schedule(
            Shape shape, double warmup, int cycles, double power, double least, double decay, String pieces) {
        /** The same all along. */
        public static final Schedule CONSTANT = new Schedule(Shape.CONSTANT, 0, 1, 1, 0, 0.1, "");

        private static final int INVERSE_SQRT_SCALE = 10_000; // kohya's where there is no warm-up

        RateSchedule of(int steps) {
            int rise = steps(warmup, steps);
            return switch (shape) {
                case CONSTANT, CONSTANT_WITH_WARMUP -> new RateSchedule.Constant(rise);
                case LINEAR -> new RateSchedule.Linear(rise, steps);
                case COSINE, COSINE_WITH_MIN_LR -> new RateSchedule.Cosine(rise, steps, 0.5, least);
                case COSINE_WITH_RESTARTS -> new RateSchedule.Restarts(rise, steps, cycles);
                case POLYNOMIAL -> new RateSchedule.Polynomial(rise, steps, power, least);
                case PIECEWISE_CONSTANT -> RateSchedule.Piecewise.of(pieces);
                case INVERSE_SQRT -> new RateSchedule.InverseRoot(rise, rise > 0 ? rise : INVERSE_SQRT_SCALE);
                case WARMUP_STABLE_DECAY -> {
                    int fall = steps(decay, steps);
                    yield new RateSchedule.StableDecay(rise, Math.max(0, steps - rise - fall), fall, least);
                }
                case REX -> new RateSchedule.Rex(rise, steps);
            };
        }

        private static int steps(double given, int all) {
            return (int) (given < 1 ? given * all : given);
        }
    }

    /**
     * @param steps how many; 0 for as many as {@code epochs} take
     * @param epochs how often each picture is seen, times its repeats
     * @param batch how many pictures at once
     * @param accumulation how many batches for one step
     * @param rate the learning rate
     * @param textRate that of the text encoders, if they are trained
     * @param schedule how the rate runs
     * @param optimizer what moves the weights
     * @param maxNorm gradients are scaled down to this norm; 0 for never
     * @param average how much of the moving average of the weights stays at each step; null for no average
     * @param checkpointing whether memory is saved by computing parts of the networks twice
     * @param precision of the networks' inner values
     * @param seed of all randomness
     */
    public record Course(
            int steps,
            int epochs,
            int batch,
            int accumulation,
            double rate,
            double textRate,
            Schedule schedule,
            OptimizerSettings optimizer,
            double maxNorm,
            @Nullable EmaSchedule average,
            boolean checkpointing,
            Precision precision,
            long seed) {}

    /**
     * @param output the file to write
     * @param state the folder for all that is needed to go on after an interruption
     * @param dtype of the floating tensors in the output
     * @param naming of the tensors of small files
     * @param withAverages whether a whole model holds its last weights and beside them their averages, as the checkpoints do that
     *     CompVis trained; otherwise only the averages, if there are any
     * @param title what the file says it is
     * @param aboutPictures whether the file says how its pictures' folders are called and which tags they have
     * @param every write the output after every so many steps too, under its name with the step; 0 for only at the end
     * @param stateEvery save the state after every so many steps; 0 for by the clock
     * @param samplePrompts what is drawn to look at
     * @param sampleEvery how many steps lie between such drawings, and between measurements on the pictures for validation; 0 for only
     *     at the end
     */
    public record Saving(
            Path output,
            Path state,
            DType dtype,
            LoraNaming naming,
            boolean withAverages,
            String title,
            boolean aboutPictures,
            int every,
            int stateEvery,
            List<String> samplePrompts,
            int sampleEvery) {
        public Saving {
            samplePrompts = List.copyOf(samplePrompts);
        }
    }
}
