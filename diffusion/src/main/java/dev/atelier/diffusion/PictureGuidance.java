package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.List;
import java.util.function.Function;

/**
 * Guidance by a text and a picture (Brooks et al. 2023, "InstructPix2Pix", arXiv 2211.09800, equation 3):
 * {@code D = D(nothing) + scale·(D(text, picture) − D(picture)) + pictureScale·(D(picture) − D(nothing))}, where the
 * negative prompt stands for the missing text and zeros for the missing picture. Counts the calls of a run, so every run
 * needs a new one.
 */
final class PictureGuidance implements Denoiser {
    private final Function<UNetConditioning, Denoiser> network;
    private final Conditioning conditional;
    private final Timeline<UNetConditioning> unconditional;
    private final FloatArray picture;
    private final double scale;
    private final double pictureScale;
    private int calls;

    /**
     * @param network the denoiser for a given conditioning
     * @param picture the picture's latents, {@code [n, 4, h, w]}, not scaled to unit variance
     * @throws IllegalArgumentException if the prompt has several parts
     */
    PictureGuidance(
            Function<UNetConditioning, Denoiser> network,
            Conditioning conditional,
            Timeline<UNetConditioning> unconditional,
            FloatArray picture,
            double scale,
            double pictureScale) {
        if (conditional.parts().size() != 1) {
            throw new IllegalArgumentException("a model that edits pictures takes no prompt with AND, as its guidance"
                    + " has no place for several; with an image CFG scale of 1 it has");
        }
        this.network = network;
        this.conditional = conditional;
        this.unconditional = unconditional;
        this.picture = picture;
        this.scale = scale;
        this.pictureScale = pictureScale;
    }

    @Override
    public FloatArray denoise(FloatArray x, float sigma) {
        return guide(x, sigma).denoised();
    }

    @Override
    public Guided guide(FloatArray x, float sigma) {
        int call = calls++;
        FloatArray nothing = Latents.scale(picture, 0);
        UNetConditioning prompt = conditional.at(call).getFirst().withImage(picture);
        UNetConditioning negative = unconditional.at(call);
        List<UNetConditioning> rows = List.of(prompt, negative.withImage(picture), negative.withImage(nothing));
        FloatArray both;
        FloatArray pictureOnly;
        FloatArray neither;
        if (prompt.context().size(1) == negative.context().size(1)) {
            int n = x.size(0);
            FloatArray denoised = network.apply(Conditioning.stack(rows)).denoise(Latents.stack(x, x, x), sigma);
            both = denoised.rows(0, n);
            pictureOnly = denoised.rows(n, 2 * n);
            neither = denoised.rows(2 * n, 3 * n);
        } else {
            both = network.apply(rows.get(0)).denoise(x, sigma);
            pictureOnly = network.apply(rows.get(1)).denoise(x, sigma);
            neither = network.apply(rows.get(2)).denoise(x, sigma);
        }
        FloatArray guided = Latents.plus(neither, scale, Latents.weighted(1, both, -1, pictureOnly));
        guided = Latents.plus(guided, pictureScale, Latents.weighted(1, pictureOnly, -1, neither));
        return new Guided(guided, neither);
    }
}
