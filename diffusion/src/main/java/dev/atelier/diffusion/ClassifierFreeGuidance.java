package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.function.Function;

/**
 * Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598): {@code D = U + scale·(C − U)}, away from what the
 * negative prompt gives (U) and past what the prompt gives (C).
 */
public final class ClassifierFreeGuidance {
    private ClassifierFreeGuidance() {}

    /**
     * Guides {@code network}. Prompt and negative prompt go through it in one batch, [C rows, U rows], where they are
     * equally long, and otherwise one after the other, as in AUTOMATIC1111. At scale 1, where D = C, the negative
     * prompt is left out.
     *
     * @param network the denoiser for a given conditioning
     * @param conditional the prompt's conditioning, {@code [n, 77·k, contextWidth]}
     * @param unconditional the negative prompt's, {@code [n, 77·m, contextWidth]}
     */
    public static Denoiser of(
            Function<FloatArray, Denoiser> network, FloatArray conditional, FloatArray unconditional, double scale) {
        if (scale == 1) {
            return network.apply(conditional);
        }
        Denoiser branches = conditional.size(1) == unconditional.size(1)
                ? together(network.apply(Latents.stack(conditional, unconditional)))
                : apart(network.apply(conditional), network.apply(unconditional));
        return (x, sigma) -> {
            FloatArray both = branches.denoise(x, sigma);
            int n = x.size(0);
            return Latents.combine(both.rows(0, n), both.rows(n, 2 * n), (c, u) -> u + (float) scale * (c - u));
        };
    }

    private static Denoiser together(Denoiser network) {
        return (x, sigma) -> network.denoise(Latents.stack(x, x), sigma);
    }

    private static Denoiser apart(Denoiser conditional, Denoiser unconditional) {
        return (x, sigma) -> Latents.stack(conditional.denoise(x, sigma), unconditional.denoise(x, sigma));
    }
}
