package dev.atelier.training;

import dev.atelier.checkpoint.PredictionType;
import dev.atelier.engine.torch.ElementLoss;
import dev.atelier.training.objective.HuberWidth;
import dev.atelier.training.objective.LossWeight;
import dev.atelier.training.objective.MaskRule;
import dev.atelier.training.objective.NoiseShape;
import dev.atelier.training.objective.TimestepChoice;
import dev.atelier.training.setting.Section;
import dev.atelier.training.setting.Setting;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is asked of the network, and how far off an answer is. */
@Section("What is asked of the network")
public record TrainingObjective(
        @Setting(
                value = "prediction",
                label = "WHAT",
                help = "What the UNet is to answer with: epsilon or v. Default: as the model does.",
                also = {"prediction_type", "v_parameterization=v"})
        @Nullable
        PredictionType prediction,

        @Setting(
                value = "zero-snr",
                help = "Let the last timestep be pure noise, as the result is then told to be drawn from. For v.",
                also = "zero_terminal_snr")
        boolean zeroSnr,

        @Setting(
                value = "snr-gamma",
                label = "X",
                help = "Let steps with little noise count less (min-SNR); 5 is usual. 0 for all alike.",
                standard = "0",
                also = "min_snr_gamma")
        double snrGamma,

        @Setting(
                value = "soft-snr-gamma",
                label = "X",
                help = "The same without a corner (soft min-SNR).",
                standard = "0")
        double softSnrGamma,

        @Setting(
                value = "debiased",
                help = "Let steps with much noise count more (debiased estimation).",
                also = "debiased_estimation_loss")
        boolean debiased,

        @Setting(
                value = "v-loss-like-noise",
                help = "Weigh the loss of a v model as if it were of noise.",
                also = "scale_v_pred_loss_like_noise_pred")
        boolean scaleVLoss,

        @Setting(
                value = "noise-loss-like-v",
                label = "X",
                help = "Add this much of what the loss would be if it were of v.",
                standard = "0",
                also = "v_pred_like_loss")
        double vLikeLoss,

        Dream dream,
        NoiseShape noise,
        Timesteps timesteps,

        @Setting(
                value = "loss",
                label = "NAME",
                help = "How far off an answer is: l2, l1, huber or smooth_l1.",
                standard = "l2",
                also = "loss_type")
        Loss loss,

        Huber huber,

        @Setting(
                value = "unmasked-weight",
                label = "SHARE",
                help = "How much what a mask leaves out counts.",
                standard = "0")
        double unmasked,

        @Setting(
                value = "clip-skip",
                label = "N",
                help = "At which layer from the end the text encoder of SD 1.x stops, as for pictures drawn later.",
                standard = "1")
        int clipSkip,

        @Setting(
                value = "max-token-length",
                label = "N",
                help = "How many tokens of a caption are read: 75, 150 or 225, joined as kohya joins them.",
                standard = "75",
                also = "tokenizer_max_length")
        int captionTokens) {

    public TrainingObjective {
        if (captionTokens % CaptionTokens.READ != 0 || captionTokens < 1 || captionTokens > 3 * CaptionTokens.READ) {
            throw new IllegalArgumentException("75, 150 or 225 tokens of a caption are read, not " + captionTokens);
        }
    }

    /**
     * Whether the network is shown part of its own error (Zhou et al. 2023, "DREAM: Diffusion Rectification and Estimation-Adaptive
     * Models").
     *
     * @param power of √(1 - ᾱ), the share of the error that is added
     */
    public record Dream(
            @Setting(
                    value = "dream",
                    help =
                            "Let the network first answer, and learn to undo part of its own error (DREAM): sharper, and a third slower."
                                    + " For models of noise.",
                    also = "dream_training")
            boolean on,

            @Setting(
                    value = "dream-detail",
                    label = "P",
                    help = "More for finer detail, less for less distortion.",
                    standard = "1",
                    also = "dream_detail_preservation")
            double power) {}

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

    /** Which timesteps there are in training. */
    public record Timesteps(
            @Setting(value = "min-timestep", label = "T", help = "The least noise.", standard = "0")
            int least,

            @Setting(value = "max-timestep", label = "T", help = "Timesteps stay below this.", standard = "1000")
            int most,

            @Setting(value = "stratified", help = "Spread the timesteps of a batch over the range.")
            boolean stratified,

            @Setting(
                    value = "bias-timesteps",
                    label = "FACTOR",
                    help =
                            "Timesteps from --min-timestep to --max-timestep are so many times as likely as others. Default: no others.",
                    also = "timestep_bias_multiplier")
            @Nullable
            Double bias) {
        TimestepChoice choice() {
            if (bias != null) {
                return new TimestepChoice.Biased(least, most, bias);
            }
            return stratified ? new TimestepChoice.Stratified(least, most) : new TimestepChoice.Uniform(least, most);
        }
    }

    /** How the width of a Huber loss runs. */
    public enum WidthShape {
        SNR,
        EXPONENTIAL,
        CONSTANT
    }

    /** Where a Huber loss bends. */
    public record Huber(
            @Setting(
                    value = "huber-schedule",
                    label = "NAME",
                    help = "How the width of huber and smooth_l1 runs: snr, exponential or constant.",
                    standard = "snr")
            WidthShape shape,

            @Setting(value = "huber-c", label = "X", help = "That width.", standard = "0.1")
            double width,

            @Setting(
                    value = "huber-scale",
                    label = "X",
                    help = "A factor of it, for exponential and constant.",
                    standard = "1")
            double scale) {
        HuberWidth schedule() {
            return switch (shape) {
                case SNR -> new HuberWidth.Snr(width);
                case EXPONENTIAL -> new HuberWidth.Exponential(width, scale);
                case CONSTANT -> new HuberWidth.Constant(width * scale);
            };
        }
    }

    /** How much the error at a timestep counts; all of these are multiplied. */
    List<LossWeight> weights() {
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
        return weights;
    }

    MaskRule masks() {
        return new MaskRule(unmasked, true);
    }
}
