package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598): {@code D = U + scale·(C − U)}, away from what the
 * negative prompt gives (U) and past what the prompt gives (C). A prompt of several parts guides by their weighted sum,
 * {@code D = U + Σ scale·w·(C − U)} (Liu et al. 2022, "Compositional Visual Generation", arXiv 2206.01714). Counts the
 * calls of a run, so every run needs a new one.
 */
public final class ClassifierFreeGuidance implements Denoiser {
    private final Function<UNetConditioning, Denoiser> network;
    private final Conditioning conditional;
    private final Timeline<UNetConditioning> unconditional;
    private final double scale;
    private final GuidanceOptions options;
    private final int planned;
    private int calls;

    /** At every call. */
    ClassifierFreeGuidance(
            Function<UNetConditioning, Denoiser> network,
            Conditioning conditional,
            Timeline<UNetConditioning> unconditional,
            double scale) {
        this(network, new Prompts(conditional, unconditional), scale, GuidanceOptions.DEFAULT, 1);
    }

    /**
     * @param network the denoiser for a given conditioning
     * @param planned how often the network is called from noise to picture
     */
    ClassifierFreeGuidance(
            Function<UNetConditioning, Denoiser> network,
            Prompts prompts,
            double scale,
            GuidanceOptions options,
            int planned) {
        this.network = network;
        this.conditional = prompts.conditional();
        this.unconditional = prompts.unconditional();
        this.scale = scale;
        this.options = options;
        this.planned = planned;
    }

    /**
     * Guides {@code network} with prompts that stay the same throughout a run.
     *
     * @param network the denoiser for a given conditioning
     * @param conditional the prompt's conditioning
     * @param unconditional the negative prompt's
     */
    public static Denoiser of(
            Function<UNetConditioning, Denoiser> network,
            UNetConditioning conditional,
            UNetConditioning unconditional,
            double scale) {
        return new ClassifierFreeGuidance(network, Conditioning.of(conditional), Timeline.always(unconditional), scale);
    }

    /** The same guidance for a run of which so many calls of the network were made before. */
    ClassifierFreeGuidance after(int calls) {
        this.calls = calls;
        return this;
    }

    /** Where U cancels out, as it does at scale 1, the negative prompt is left out. */
    @Override
    public FloatArray denoise(FloatArray x, float sigma) {
        if (scale * conditional.totalWeight() != 1) {
            return guide(x, sigma).denoised();
        }
        List<FloatArray> branches = branches(x, sigma, conditional.at(calls++));
        FloatArray sum = Latents.scale(branches.getFirst(), (float) (scale * weight(0)));
        for (int i = 1; i < branches.size(); i++) {
            sum = Latents.plus(sum, scale * weight(i), branches.get(i));
        }
        return sum;
    }

    /**
     * Prompt and negative prompt go through the network in one batch, [C rows, U rows], where they are equally long, and
     * otherwise one after the other, as in AUTOMATIC1111. Where the negative prompt is skipped, the prompt stands for it.
     */
    @Override
    public Guided guide(FloatArray x, float sigma) {
        int call = calls++;
        List<UNetConditioning> contexts = new ArrayList<>(conditional.at(call));
        UNetConditioning negative = unconditional.at(call);
        List<FloatArray> branches;
        if (options.skips(call, planned, sigma)) {
            branches = new ArrayList<>(branches(x, sigma, contexts));
            branches.add(branches.getFirst());
        } else if (!options.split()
                && negative.context().size(1) == contexts.getFirst().context().size(1)) {
            contexts.add(negative);
            branches = branches(x, sigma, contexts);
        } else {
            branches = new ArrayList<>(branches(x, sigma, contexts));
            branches.add(network.apply(negative).denoise(x, sigma));
        }
        FloatArray base = branches.getLast();
        FloatArray guided = base;
        for (int i = 0; i + 1 < branches.size(); i++) {
            guided = Latents.plus(guided, scale * weight(i), Latents.weighted(1, branches.get(i), -1, base));
        }
        return new Guided(guided, base);
    }

    private double weight(int part) {
        return conditional.parts().get(part).weight();
    }

    /** What the network says of {@code x} in each of several contexts of the same length. */
    private List<FloatArray> branches(FloatArray x, float sigma, List<UNetConditioning> contexts) {
        FloatArray batch = Latents.repeat(x, contexts.size());
        UNetConditioning context = Conditioning.stack(contexts);
        FloatArray denoised = network.apply(context).denoise(batch, sigma);
        int n = x.size(0);
        List<FloatArray> branches = new ArrayList<>();
        for (int i = 0; i < contexts.size(); i++) {
            branches.add(denoised.rows(i * n, (i + 1) * n));
        }
        return branches;
    }
}
