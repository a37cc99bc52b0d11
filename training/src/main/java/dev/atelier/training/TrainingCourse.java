package dev.atelier.training;

import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.Precision;
import dev.atelier.training.setting.Section;
import dev.atelier.training.setting.Setting;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How long and how fast a training goes.
 *
 * @param steps how many; 0 for as many as {@code epochs} take
 */
@Section("How long and how fast")
public record TrainingCourse(
        @Setting(
                value = "steps",
                label = "N",
                help =
                        "How often the weights are moved. Default: 800 for dreambooth, 1000 for lora, 3000 for ti, 2000 for finetune.",
                also = "max_train_steps")
        int steps,

        @Setting(
                value = "epochs",
                label = "N",
                help = "How often each picture is seen, instead of --steps.",
                also = {"num_train_epochs", "max_train_epochs"})
        @Nullable
        Integer epochs,

        @Setting(
                value = "batch",
                label = "N",
                help = "Pictures at once.",
                standard = "1",
                also = {"train_batch_size", "batch_size"})
        int batch,

        @Setting(
                value = "accumulate",
                label = "N",
                help = "Batches for one step.",
                standard = "1",
                also = "gradient_accumulation_steps")
        int accumulation,

        @Setting(
                value = "lr",
                label = "RATE",
                help =
                        "The learning rate. Default: 5e-6 for dreambooth, 1e-4 for lora, 5e-4 for ti, 1e-5 for finetune.",
                also = {"learning_rate", "unet_lr"})
        double rate,

        @Setting(
                value = "scale-lr",
                help = "Multiply it by the pictures of a step: --batch times --accumulate times --processes.",
                also = "scale_lr")
        boolean scaleRate,

        @Setting(
                value = "text-lr",
                label = "RATE",
                help =
                        "The text encoder's learning rate; for XL's two also two with a comma. 0 to leave it as it is. Default: that of"
                                + " --lr.",
                also = {"text_encoder_lr", "learning_rate_te"})
        String textRates,

        @Setting(
                value = "text-stop",
                label = "N",
                help = "After so many steps the text encoder is left as it is; below 1 a share of all. Default: never.",
                also = {"stop_text_encoder_training", "train_text_encoder_frac"})
        @Nullable
        Double textStop,

        Schedule schedule,

        @Setting(
                value = "optimizer",
                label = "NAME",
                help = "adamw, adamw8bit with a quarter of its memory, adafactor, lion, prodigy (with --lr 1) or sgd.",
                standard = "adamw",
                also = {"optimizer_type", "use_lion_optimizer=lion", "use_8bit_adam=adamw8bit"})
        OptimizerChoice optimizer,

        @Setting(
                value = "weight-decay",
                label = "X",
                help = "How much weights shrink, times the rate. Default: 0.01 for adamw and adamw8bit, else 0.",
                also = "adam_weight_decay")
        @Nullable
        Double weightDecay,

        @Setting(
                value = "optimizer-arg",
                label = "NAME=VALUE",
                help = "A constant of the optimizer by its name in PyTorch, such as betas=0.9,0.99 or d_coef=2.",
                also = "optimizer_args")
        Map<String, String> constants,

        @Setting(
                value = "max-norm",
                label = "X",
                help = "Gradients are cut to this norm; 0 for never.",
                standard = "1",
                also = "max_grad_norm")
        double maxNorm,

        Averages averages,

        @Setting(
                value = "checkpointing",
                help =
                        "Compute parts of the networks twice instead of keeping them: a third slower, a fraction of the memory.",
                also = "gradient_checkpointing")
        boolean checkpointing,

        @Setting(
                value = "mixed-precision",
                label = "TYPE",
                help =
                        "What networks compute in: full, bf16 or fp16, whose losses are scaled. Slower on most processors."
                                + " Weights stay fp32.",
                standard = "full")
        Precision precision,

        @Setting(
                value = "seed",
                label = "N",
                help = "Of all randomness: the same gives the same result on the same machine.",
                standard = "1")
        long seed) {

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

    /** How the learning rate runs. */
    public record Schedule(
            @Setting(
                    value = "schedule",
                    label = "NAME",
                    help =
                            "How the rate runs: constant, linear, cosine, cosine_with_restarts, cosine_with_min_lr, polynomial,"
                                    + " piecewise_constant, inverse_sqrt, warmup_stable_decay or rex.",
                    standard = "constant",
                    also = "lr_scheduler")
            Shape shape,

            @Setting(
                    value = "warmup",
                    label = "N",
                    help = "Steps over which the rate rises; below 1 a share of all steps.",
                    standard = "0",
                    also = "lr_warmup_steps")
            double warmup,

            @Setting(
                    value = "cycles",
                    label = "N",
                    help = "How often cosine_with_restarts falls.",
                    standard = "1",
                    also = {"lr_num_cycles", "lr_scheduler_num_cycles"})
            int cycles,

            @Setting(
                    value = "lr-power",
                    label = "X",
                    help = "Of polynomial; 1 is a straight line.",
                    standard = "1",
                    also = "lr_scheduler_power")
            double power,

            @Setting(
                    value = "min-lr",
                    label = "SHARE",
                    help =
                            "What is left of the rate at the end of cosine_with_min_lr, polynomial and warmup_stable_decay. Default: 0;"
                                    + " 0.001 for polynomial.",
                    also = "lr_scheduler_min_lr_ratio")
            @Nullable
            Double least,

            @Setting(
                    value = "decay-steps",
                    label = "N",
                    help = "Over how many steps warmup_stable_decay falls; below 1 a share of all.",
                    standard = "0.1",
                    also = "lr_decay_steps")
            double decay,

            @Setting(
                    value = "lr-timescale",
                    label = "N",
                    help = "Of inverse_sqrt. Default: --warmup, or 10000 without.",
                    also = "lr_scheduler_timescale")
            @Nullable
            Integer timescale,

            @Setting(
                    value = "lr-pieces",
                    label = "RULE",
                    help =
                            "Of piecewise_constant: 1:100,0.1:200,0.01 is all of it before step 100, a tenth before 200.")
            String pieces) {
        private static final int INVERSE_SQRT_SCALE = 10_000; // kohya's where there is no warm-up
        private static final double POLYNOMIAL_END = 1e-3;

        RateSchedule of(int steps) {
            int rise = part(warmup, steps);
            double end = least != null ? least : shape == Shape.POLYNOMIAL ? POLYNOMIAL_END : 0;
            return switch (shape) {
                case CONSTANT, CONSTANT_WITH_WARMUP -> new RateSchedule.Constant(rise);
                case LINEAR -> new RateSchedule.Linear(rise, steps);
                case COSINE, COSINE_WITH_MIN_LR -> new RateSchedule.Cosine(rise, steps, 0.5, end);
                case COSINE_WITH_RESTARTS -> new RateSchedule.Restarts(rise, steps, cycles);
                case POLYNOMIAL -> new RateSchedule.Polynomial(rise, steps, power, end);
                case PIECEWISE_CONSTANT -> RateSchedule.Piecewise.of(pieces);
                case INVERSE_SQRT ->
                    new RateSchedule.InverseRoot(
                            rise, timescale != null ? timescale : rise > 0 ? rise : INVERSE_SQRT_SCALE);
                case WARMUP_STABLE_DECAY -> {
                    int fall = part(decay, steps);
                    yield new RateSchedule.StableDecay(rise, Math.max(0, steps - rise - fall), fall, end);
                }
                case REX -> new RateSchedule.Rex(rise, steps);
            };
        }
    }

    /** Shapes of an average's decay, see {@link EmaSchedule}. */
    public enum AverageShape {
        LITEMA,
        DIFFUSERS,
        DIFFUSERS_WARMUP,
        CONSTANT
    }

    /** Moving averages of the weights. */
    public record Averages(
            @Setting(
                    value = "ema",
                    label = "DECAY",
                    help =
                            "Write a moving average of the weights that keeps this much at each step, such as 0.999; 0 for the"
                                    + " last weights.",
                    standard = "0",
                    also = "use_ema=0.9999")
            double decay,

            @Setting(
                    value = "ema-schedule",
                    label = "NAME",
                    help =
                            "How the average forgets the start: litema as CompVis, diffusers, diffusers_warmup or constant.",
                    standard = "litema")
            AverageShape shape,

            @Setting(
                    value = "ema-after",
                    label = "STEPS",
                    help = "For so long diffusers' averages are the weights themselves.",
                    standard = "0")
            int after,

            @Setting(
                    value = "ema-power",
                    label = "X",
                    help = "Of diffusers_warmup: 0.6667 for long runs, 0.75 for short ones.",
                    standard = "0.6667")
            double power) {
        /** How the averages run; null for none. */
        @Nullable
        EmaSchedule schedule() {
            if (decay == 0) {
                return null;
            }
            return switch (shape) {
                case LITEMA -> new EmaSchedule.LitEma(decay);
                case DIFFUSERS -> new EmaSchedule.Diffusers(decay, 0, after);
                case DIFFUSERS_WARMUP -> new EmaSchedule.Warmup(decay, 0, after, 1, power);
                case CONSTANT -> new EmaSchedule.Constant(decay);
            };
        }
    }

    /** So many steps, or a share of {@code all} if it is below 1. */
    private static int part(double given, int all) {
        return (int) (given < 1 ? given * all : given);
    }

    /** At which of {@code steps} the text encoder is no longer trained. */
    int textStop(int steps) {
        return textStop == null ? steps : part(textStop, steps);
    }

    /**
     * A text encoder's learning rate as a factor of the UNet's.
     *
     * @param encoder counted from 0
     */
    double textFactor(int encoder) {
        if (textRates.isEmpty()) {
            return 1;
        }
        String[] each = textRates.split(",", -1);
        try {
            return Double.parseDouble(each[Math.min(encoder, each.length - 1)]) / rate;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "--text-lr is a number, or two with a comma, not \"%s\"".formatted(textRates), e);
        }
    }

    OptimizerSettings optimizerSettings() {
        Map<String, String> all = new LinkedHashMap<>(constants);
        if (weightDecay != null) {
            all.put("weight_decay", weightDecay.toString());
        }
        return optimizer.settings(all);
    }
}
