package dev.atelier.cli;

import dev.atelier.checkpoint.PredictionType;
import dev.atelier.engine.torch.Precision;
import dev.atelier.training.EmaSchedule;
import dev.atelier.training.TrainingPlan;
import dev.atelier.training.objective.HuberWidth;
import dev.atelier.training.objective.LossWeight;
import dev.atelier.training.objective.MaskRule;
import dev.atelier.training.objective.NoiseShape;
import dev.atelier.training.objective.TimestepChoice;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How long and how fast a training goes. */
final class TrainingCourse {
    private static final double HUBER_WIDTH = 0.1; // kohya's huber_c
    private static final double POLYNOMIAL_END = 1e-3;

    private enum AverageShape {
        LITEMA,
        DIFFUSERS,
        DIFFUSERS_WARMUP,
        CONSTANT;

        EmaSchedule of(double decay, int after, double power) {
            return switch (this) {
                case LITEMA -> new EmaSchedule.LitEma(decay);
                case DIFFUSERS -> new EmaSchedule.Diffusers(decay, 0, after);
                case DIFFUSERS_WARMUP -> new EmaSchedule.Warmup(decay, 0, after, 1, power);
                case CONSTANT -> new EmaSchedule.Constant(decay);
            };
        }
    }

    private enum WidthShape {
        SNR,
        EXPONENTIAL,
        CONSTANT;

        HuberWidth of(double width) {
            return switch (this) {
                case SNR -> new HuberWidth.Snr(width);
                case EXPONENTIAL -> new HuberWidth.Exponential(width, 1);
                case CONSTANT -> new HuberWidth.Constant(width);
            };
        }
    }

    @Option(
            names = "--steps",
            paramLabel = "N",
            description =
                    "How often the weights are moved. Default: 800 for dreambooth, 1000 for lora, 3000 for ti, 2000 for"
                            + " finetune.")
    private @Nullable Integer steps;

    @Option(names = "--epochs", paramLabel = "N", description = "How often each picture is seen, instead of --steps.")
    private @Nullable Integer epochs;

    @Option(names = "--batch", paramLabel = "N", description = "Pictures at once. Default: 1.")
    private int batch = 1;

    @Option(names = "--accumulate", paramLabel = "N", description = "Batches for one step. Default: 1.")
    private int accumulation = 1;

    @Option(
            names = "--lr",
            paramLabel = "RATE",
            description =
                    "The learning rate. Default: 5e-6 for dreambooth, 1e-4 for lora, 5e-4 for ti, 1e-5 for finetune.")
    private @Nullable Double rate;

    @Option(
            names = "--text-lr",
            paramLabel = "RATE",
            description = "The text encoder's learning rate. Default: that of --lr.")
    private @Nullable Double textRate;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description =
                    "How the rate runs: constant, linear, cosine, cosine_with_restarts, cosine_with_min_lr, polynomial,"
                            + " piecewise_constant, inverse_sqrt, warmup_stable_decay or rex. Default: constant.")
    private TrainingPlan.Shape shape = TrainingPlan.Shape.CONSTANT;

    @Option(
            names = "--warmup",
            paramLabel = "N",
            description = "Steps over which the rate rises; below 1 a share of all steps. Default: 0.")
    private double warmup;

    @Option(names = "--cycles", paramLabel = "N", description = "How often cosine_with_restarts falls. Default: 1.")
    private int cycles = 1;

    @Option(names = "--lr-power", paramLabel = "X", description = "Of polynomial. Default: 1, a straight line.")
    private double power = 1;

    @Option(
            names = "--min-lr",
            paramLabel = "SHARE",
            description =
                    "What is left of the rate at the end of cosine_with_min_lr, polynomial and warmup_stable_decay."
                            + " Default: 0; 0.001 for polynomial.")
    private @Nullable Double least;

    @Option(
            names = "--decay-steps",
            paramLabel = "N",
            description = "Over how many steps warmup_stable_decay falls; below 1 a share of all. Default: 0.1.")
    private double decaySteps = 0.1;

    @Option(
            names = "--lr-pieces",
            paramLabel = "RULE",
            description = "Of piecewise_constant: 1:100,0.1:200,0.01 is all of it before step 100, a tenth before 200.")
    private String pieces = "";

    @Option(
            names = "--optimizer",
            paramLabel = "NAME",
            description = "adamw, adafactor, lion, prodigy (with --lr 1) or sgd. Default: adamw.")
    private OptimizerChoice optimizer = OptimizerChoice.ADAMW;

    @Option(
            names = "--weight-decay",
            paramLabel = "X",
            description = "How much weights shrink, times the rate. Default: 0.01 for adamw, else 0.")
    private @Nullable Double weightDecay;

    @Option(
            names = "--optimizer-arg",
            paramLabel = "NAME=VALUE",
            description =
                    "A constant of the optimizer by its name in PyTorch, such as betas=0.9,0.99 or d_coef=2; may be given"
                            + " several times.")
    private Map<String, String> optimizerConstants = new LinkedHashMap<>();

    @Option(
            names = "--max-norm",
            paramLabel = "X",
            description = "Gradients are cut to this norm. Default: 1; 0 for never.")
    private double maxNorm = 1;

    @Option(
            names = "--ema",
            paramLabel = "DECAY",
            description = "Write a moving average of the weights that keeps this much at each step, such as 0.999.")
    private double ema;

    @Option(
            names = "--ema-schedule",
            paramLabel = "NAME",
            description =
                    "How the average forgets the start: litema as CompVis, diffusers, diffusers_warmup or constant."
                            + " Default: litema.")
    private AverageShape averageShape = AverageShape.LITEMA;

    @Option(
            names = "--ema-after",
            paramLabel = "STEPS",
            description = "For so long diffusers' averages are the weights themselves. Default: 0.")
    private int averageAfter;

    @Option(
            names = "--ema-power",
            paramLabel = "X",
            description = "Of diffusers_warmup: 2/3 for long runs, 3/4 for short ones. Default: 2/3.")
    private double averagePower = 2.0 / 3;

    @Option(
            names = "--checkpointing",
            description =
                    "Compute parts of the networks twice instead of keeping them: a third slower, a fraction of the memory.")
    private boolean checkpointing;

    @Option(
            names = "--mixed-precision",
            paramLabel = "TYPE",
            description =
                    "What networks compute in: full, bf16 or fp16, whose losses are scaled. For GPUs. Weights stay fp32."
                            + " Default: full.")
    private Precision precision = Precision.FULL;

    @Option(
            names = "--snr-gamma",
            paramLabel = "X",
            description = "Let steps with little noise count less (min-SNR); 5 is usual. Default: 0, all alike.")
    private double snrGamma;

    @Option(
            names = "--soft-snr-gamma",
            paramLabel = "X",
            description = "The same without a corner (soft min-SNR). Default: 0.")
    private double softSnrGamma;

    @Option(names = "--debiased", description = "Let steps with much noise count more (debiased estimation).")
    private boolean debiased;

    @Option(names = "--v-loss-like-noise", description = "Weigh the loss of a v model as if it were of noise.")
    private boolean scaleVLoss;

    @Option(
            names = "--noise-loss-like-v",
            paramLabel = "X",
            description = "Add this much of what the loss would be if it were of v. Default: 0.")
    private double vLikeLoss;

    @Option(
            names = "--loss",
            paramLabel = "NAME",
            description = "How far off an answer is: l2, l1, huber or smooth_l1. Default: l2.")
    private TrainingPlan.Loss loss = TrainingPlan.Loss.L2;

    @Option(
            names = "--huber-schedule",
            paramLabel = "NAME",
            description = "How the width of huber and smooth_l1 runs: snr, exponential or constant. Default: snr.")
    private WidthShape widthShape = WidthShape.SNR;

    @Option(names = "--huber-c", paramLabel = "X", description = "That width. Default: 0.1.")
    private double width = HUBER_WIDTH;

    @Option(
            names = "--multires-noise",
            paramLabel = "LEVELS",
            description = "Add coarser and coarser noise (pyramid noise); 6 to 10. Default: 0.")
    private int multires;

    @Option(
            names = "--multires-discount",
            paramLabel = "X",
            description = "How much fainter each level is. Default: 0.3.")
    private double multiresDiscount = 0.3;

    @Option(
            names = "--input-perturbation",
            paramLabel = "X",
            description = "Add noise that the network need not find; 0.1 in the paper. Default: 0.")
    private double perturbation;

    @Option(
            names = "--random-strength",
            description = "Noise offset and perturbation of a batch are a random part of theirs.")
    private boolean randomStrength;

    @Option(
            names = "--adaptive-offset",
            paramLabel = "X",
            description = "Let the noise offset grow with the mean of the latents. Default: 0.")
    private double adaptiveOffset;

    @Option(names = "--stratified", description = "Spread the timesteps of a batch over the range.")
    private boolean stratified;

    @Option(
            names = "--bias-timesteps",
            paramLabel = "FACTOR",
            description =
                    "Timesteps from --min-timestep to --max-timestep are so many times as likely as others. Default: no"
                            + " others.")
    private @Nullable Double bias;

    @Option(names = "--min-timestep", paramLabel = "T", description = "The least noise. Default: 0.")
    private int minTimestep;

    @Option(names = "--max-timestep", paramLabel = "T", description = "Timesteps stay below this. Default: 1000.")
    private int maxTimestep = TimestepChoice.TIMESTEPS;

    @Option(
            names = "--noise-offset",
            paramLabel = "X",
            description =
                    "Noise added to whole channels, so that pictures can become darker and lighter: 0.05 to 0.1. Default: 0.")
    private double noiseOffset;

    @Option(
            names = "--prediction",
            paramLabel = "WHAT",
            description = "What the UNet is to answer with: epsilon or v. Default: as the model does.")
    private @Nullable PredictionType prediction;

    @Option(names = "--clip-skip", paramLabel = "N", description = "As in pictures drawn later. Default: 1.")
    private int clipSkip = 1;

    @Option(
            names = "--max-token-length",
            paramLabel = "N",
            description = "How many tokens of a caption are read: 75, 150 or 225. Default: 75.")
    private int captionTokens = 75;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    TrainingPlan.Course course(int usualSteps, double usualRate) {
        int length = steps != null ? steps : epochs != null ? 0 : usualSteps;
        double speed = rate != null ? rate : usualRate;
        return new TrainingPlan.Course(
                length,
                epochs != null ? epochs : 0,
                batch,
                accumulation,
                speed,
                textRate != null ? textRate : speed,
                schedule(),
                optimizer.settings(constants()),
                maxNorm,
                average(),
                checkpointing,
                precision,
                seed);
    }

    private TrainingPlan.Schedule schedule() {
        double end = least != null ? least : shape == TrainingPlan.Shape.POLYNOMIAL ? POLYNOMIAL_END : 0;
        return new TrainingPlan.Schedule(shape, warmup, cycles, power, end, decaySteps, pieces);
    }

    private Map<String, String> constants() {
        Map<String, String> constants = new LinkedHashMap<>(optimizerConstants);
        if (weightDecay != null) {
            constants.put("weight_decay", weightDecay.toString());
        }
        return constants;
    }

    private @Nullable EmaSchedule average() {
        return ema > 0 ? averageShape.of(ema, averageAfter, averagePower) : null;
    }

    TrainingPlan.Objective objective() {
        List<LossWeight> weights = new ArrayList<>();
        if (snrGamma > 0) {
            weights.add(new LossWeight.MinSnr(snrGamma));
        }
        if (softSnrGamma > 0) {
            weights.add(new LossWeight.SoftMinSnr(softSnrGamma));
        }
        if (scaleVLoss) {
            weights.add(new LossWeight.VLikeNoise());
        }
        if (vLikeLoss > 0) {
            weights.add(new LossWeight.NoiseLikeV(vLikeLoss));
        }
        if (debiased) {
            weights.add(new LossWeight.Debiased());
        }
        return new TrainingPlan.Objective(
                prediction,
                weights,
                new NoiseShape(
                        noiseOffset,
                        randomStrength,
                        adaptiveOffset,
                        multires,
                        multiresDiscount,
                        perturbation,
                        randomStrength),
                timesteps(),
                loss,
                widthShape.of(width),
                new MaskRule(0, true),
                clipSkip,
                captionTokens);
    }

    private TimestepChoice timesteps() {
        if (bias != null) {
            return new TimestepChoice.Biased(minTimestep, maxTimestep, bias);
        }
        return stratified
                ? new TimestepChoice.Stratified(minTimestep, maxTimestep)
                : new TimestepChoice.Uniform(minTimestep, maxTimestep);
    }
}
