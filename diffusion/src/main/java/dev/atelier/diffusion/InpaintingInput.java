package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What inpainting models see besides the latents: a mask, 1 where they draw, and the picture with grey under the mask.
 *
 * @param channels {@code [n, 5, h, w]}, for one picture or all of a batch
 */
record InpaintingInput(FloatArray channels) {
    private static final int MASK_AND_LATENTS = 5;

    /**
     * For a run; null if the model is no inpainting model.
     *
     * @param sources what the pictures start from; none if from noise
     * @param shape {@code [channels, height, width]} of a picture's latent
     */
    static @Nullable InpaintingInput of(
            DiffusionModel model, Vae vae, GenerationRequest request, List<Source> sources, int... shape) {
        if (model.inputChannels() != shape[0] + MASK_AND_LATENTS) {
            return null;
        }
        Bitmap mask = sources.isEmpty() ? null : sources.getFirst().mask();
        ImageToImage from = request.imageToImage();
        Inpainting inpainting = from == null ? null : from.inpainting();
        if (mask == null || inpainting == null) {
            // AUTOMATIC1111 shows a picture without a mask in grey, and no picture as well
            FloatArray grey = FloatArray.of(
                    new float[3 * shape[1] * shape[2] * model.spatialFactor() * model.spatialFactor()],
                    1,
                    3,
                    shape[1] * model.spatialFactor(),
                    shape[2] * model.spatialFactor());
            return new InpaintingInput(join(Latents.filled(1, 1, 1, shape[1], shape[2]), vae.encode(grey)));
        }
        return new InpaintingInput(Latents.stack(sources.stream()
                .map(source -> channels(vae, source.picture().toFloats(), mask, inpainting, shape))
                .toArray(FloatArray[]::new)));
    }

    private static FloatArray channels(Vae vae, FloatArray picture, Bitmap mask, Inpainting inpainting, int... shape) {
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
        return join(cells, vae.encode(FloatArray.of(hidden, picture.shape())));
    }

    private static FloatArray join(FloatArray mask, FloatArray latents) {
        float[] joined = new float[mask.values().length + latents.values().length];
        System.arraycopy(mask.values(), 0, joined, 0, mask.values().length);
        System.arraycopy(latents.values(), 0, joined, mask.values().length, latents.values().length);
        return FloatArray.of(joined, 1, mask.size(1) + latents.size(1), latents.size(2), latents.size(3));
    }

    /** The same channels for every row, or every batch of rows. */
    UNetConditioning beside(UNetConditioning conditioning) {
        return conditioning.withImage(
                Latents.repeat(channels, conditioning.context().size(0) / channels.size(0)));
    }
}
