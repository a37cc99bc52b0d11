package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import org.jspecify.annotations.Nullable;

/**
 * What inpainting models see besides the latents: a mask, 1 where they draw, and the picture with grey under the mask.
 *
 * @param channels {@code [1, 5, h, w]}
 */
record InpaintingInput(FloatArray channels) {
    private static final int MASK_AND_LATENTS = 5;

    /**
     * For a run; null if the model is no inpainting model.
     *
     * @param source null if everything is drawn
     * @param shape {@code [channels, height, width]} of a picture's latent
     */
    static @Nullable InpaintingInput of(
            DiffusionModel model, Vae vae, GenerationRequest request, @Nullable Source source, int... shape) {
        if (model.inputChannels() != shape[0] + MASK_AND_LATENTS) {
            return null;
        }
        Bitmap mask = source == null ? null : source.mask();
        ImageToImage from = request.imageToImage();
        Inpainting inpainting = from == null ? null : from.inpainting();
        if (source == null || mask == null || inpainting == null) {
            // AUTOMATIC1111 shows a picture without a mask in grey, and no picture as well
            FloatArray grey = FloatArray.of(
                    new float[3 * shape[1] * shape[2] * model.spatialFactor() * model.spatialFactor()],
                    1,
                    3,
                    shape[1] * model.spatialFactor(),
                    shape[2] * model.spatialFactor());
            return new InpaintingInput(join(Latents.filled(1, 1, 1, shape[1], shape[2]), vae.encode(grey)));
        }
        FloatArray picture = source.picture().toFloats();
        int plane = mask.levels().length;
        float[] share = new float[plane];
        for (int i = 0; i < plane; i++) {
            float level = mask.levels()[i] / 255f;
            share[i] = inpainting.rounded() ? (float) Math.rint(level) : level;
        }
        float weight = (float) inpainting.conditioningWeight();
        float[] hidden = picture.values().clone();
        for (int i = 0; i < hidden.length; i++) {
            hidden[i] -= weight * hidden[i] * share[i % plane];
        }
        FloatArray cells = LatentResampling.NEAREST.resize(
                FloatArray.of(share, 1, 1, mask.height(), mask.width()), shape[1], shape[2]);
        return new InpaintingInput(join(cells, vae.encode(FloatArray.of(hidden, picture.shape()))));
    }

    private static FloatArray join(FloatArray mask, FloatArray latents) {
        float[] joined = new float[mask.values().length + latents.values().length];
        System.arraycopy(mask.values(), 0, joined, 0, mask.values().length);
        System.arraycopy(latents.values(), 0, joined, mask.values().length, latents.values().length);
        return FloatArray.of(joined, 1, mask.size(1) + latents.size(1), latents.size(2), latents.size(3));
    }

    /** The same channels for every row. */
    UNetConditioning beside(UNetConditioning conditioning) {
        return conditioning.withImage(
                Latents.repeat(channels, conditioning.context().size(0)));
    }
}
