package dev.atelier.cli;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.ImageToImage;
import dev.atelier.diffusion.NoiseTable;
import dev.atelier.diffusion.SamplerOptions;
import dev.atelier.diffusion.ScheduleOptions;
import dev.atelier.diffusion.UniPcOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the samplers of AUTOMATIC1111 take from its settings. */
final class SamplerSettings {
    @Option(
            names = "--eta",
            paramLabel = "SHARE",
            description =
                    "How much of the noise each step draws anew, for samplers that draw any. Default: 1, for DDIM 0,"
                            + " for TCD 0.3.")
    private @Nullable Double eta;

    @Option(
            names = "--sigma-noise",
            paramLabel = "FACTOR",
            description = "The strength of noise that is drawn on the way. Default: 1.")
    private @Nullable Double noise;

    @Option(
            names = "--sigma-churn",
            paramLabel = "AMOUNT",
            description = "How much noise Euler, Heun and DPM2 add before each step. Default: 0.")
    private @Nullable Double churn;

    @Option(names = "--sigma-tmin", paramLabel = "SIGMA", description = "Churn above this level only. Default: 0.")
    private @Nullable Double tmin;

    @Option(names = "--sigma-tmax", paramLabel = "SIGMA", description = "Churn below it only. Default: 0, no limit.")
    private @Nullable Double tmax;

    @Option(names = "--ensd", paramLabel = "N", description = "Eta noise seed delta. Default: 0.")
    private @Nullable Long seedDelta;

    @Option(
            names = "--sigma-min",
            paramLabel = "SIGMA",
            description = "The lowest noise level of the schedule. Default: 0, the model's.")
    private @Nullable Double min;

    @Option(names = "--sigma-max", paramLabel = "SIGMA", description = "The highest. Default: 0, the model's.")
    private @Nullable Double max;

    @Option(
            names = "--rho",
            paramLabel = "POWER",
            description = "How Karras and Polyexponential are bent. Default: 0, which is 7 and 1.")
    private @Nullable Double rho;

    @Option(names = "--beta-alpha", paramLabel = "SHAPE", description = "Of the schedule Beta. Default: 0.6.")
    private @Nullable Double alpha;

    @Option(names = "--beta-beta", paramLabel = "SHAPE", description = "Of the schedule Beta. Default: 0.6.")
    private @Nullable Double beta;

    @Option(
            names = "--discard-penultimate",
            description = "Plan one noise level more and leave out the last but one, which some samplers always do.")
    private boolean discardPenultimate;

    @Option(
            names = "--unipc-variant",
            paramLabel = "NAME",
            description = "How UniPC weighs the changes of a step: ${COMPLETION-CANDIDATES}. Default: bh1.")
    private UniPcOptions.@Nullable Variant unipcVariant;

    @Option(
            names = "--unipc-skip",
            paramLabel = "NAME",
            description = "How UniPC's noise levels are spaced: ${COMPLETION-CANDIDATES}. Default: time_uniform.")
    private UniPcOptions.@Nullable Spacing unipcSpacing;

    @Option(
            names = "--unipc-order",
            paramLabel = "N",
            description = "How many noise levels UniPC looks back, 1 to 50. Default: 3.")
    private @Nullable Integer unipcOrder;

    @Option(names = "--unipc-full-order", description = "It looks back as far in the last steps.")
    private boolean unipcFullOrder;

    @Option(
            names = "--extra-noise",
            paramLabel = "SHARE",
            description = "Noise that is added to what --init and --hires draw over, 0 to 1. Default: 0.")
    private @Nullable Double extraNoise;

    @Option(
            names = "--old-timelines",
            description =
                    "[from:to:N] counts as in AUTOMATIC1111 before 1.6: below 1 a share of the steps, point or not.")
    private boolean oldTimelines;

    @Option(names = "--downcast-alphas", description = "Round the model's noise schedule to fp16, as there before 1.7.")
    private boolean downcastAlphas;

    @Option(names = "--sgm-noise", description = "Start from a little more noise, as Stability's code does.")
    private boolean sgmNoise;

    GenerationRequest applyTo(GenerationRequest request) {
        SamplerOptions options = request.samplerOptions();
        ScheduleOptions schedule = options.schedule();
        UniPcOptions uniPc = options.uniPc();
        GenerationRequest changed = request.samplerOptions(new SamplerOptions(
                eta != null ? eta : options.eta(),
                churn != null ? churn : options.churn(),
                tmin != null ? tmin : options.tmin(),
                tmax != null ? tmax : options.tmax(),
                noise != null ? noise : options.noise(),
                new ScheduleOptions(
                        min != null ? min : schedule.sigmaMin(),
                        max != null ? max : schedule.sigmaMax(),
                        rho != null ? rho : schedule.rho(),
                        alpha != null ? alpha : schedule.alpha(),
                        beta != null ? beta : schedule.beta(),
                        discardPenultimate || schedule.discardPenultimate(),
                        sgmNoise || schedule.sgmNoise()),
                new UniPcOptions(
                        unipcVariant != null ? unipcVariant : uniPc.variant(),
                        unipcSpacing != null ? unipcSpacing : uniPc.spacing(),
                        unipcOrder != null ? unipcOrder : uniPc.order(),
                        !unipcFullOrder && uniPc.lowerOrderFinal())));
        if (extraNoise != null) {
            ImageToImage from = changed.imageToImage();
            HiresFix hires = changed.hiresFix();
            changed = changed.imageToImage(from == null ? null : from.extraNoise(extraNoise))
                    .hiresFix(hires == null ? null : hires.extraNoise(extraNoise));
        }
        changed = oldTimelines ? changed.oldTimelines(true) : changed;
        NoiseTable table = changed.noiseTable();
        changed = downcastAlphas ? changed.noiseTable(new NoiseTable(true, table.zeroTerminalSnr())) : changed;
        return seedDelta != null ? changed.noiseSeedDelta(seedDelta) : changed;
    }
}
