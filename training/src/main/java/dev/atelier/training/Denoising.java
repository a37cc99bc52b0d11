package dev.atelier.training;

import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The objective of denoising diffusion: which noise is in a latent?
 *
 * @param alphasCumprod ᾱ of each timestep
 * @param snrGamma caps how much a timestep's signal-to-noise ratio counts (Hang et al. 2023, "Efficient Diffusion Training
 *     via Min-SNR Weighting Strategy"); 0 weighs all alike
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Denoising(float[] alphasCumprod, double snrGamma) {

    /** One timestep for each of {@code n} samples, all equally likely. */
    int[] timesteps(int n, RandomGenerator random) {
        return random.ints(n, 0, alphasCumprod.length).toArray();
    }

    /**
     * What the network is shown and what it should answer.
     *
     * @param noisy {@code [n, 4, h, w]}
     * @param target of the same shape
     * @param weights how much each sample counts
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Question(FloatArray noisy, float[] timesteps, FloatArray target, float[] weights) {}

    /**
     * @param latents {@code [n, 4, h, w]} in the UNet's scale
     * @param noise of the same shape
     */
    Question ask(FloatArray latents, FloatArray noise, int[] timesteps) {
        int n = timesteps.length;
        int elements = latents.values().length / n;
        float[] noisy = new float[latents.values().length];
        float[] weights = new float[n];
        float[] times = new float[n];
        for (int row = 0; row < n; row++) {
            float alpha = alphasCumprod[timesteps[row]];
            float signal = (float) Math.sqrt(alpha);
            float spread = (float) Math.sqrt(1 - alpha);
            for (int i = row * elements; i < (row + 1) * elements; i++) {
                noisy[i] = signal * latents.values()[i] + spread * noise.values()[i];
            }
            double snr = alpha / (1.0 - alpha);
            weights[row] = (float) (snrGamma > 0 ? Math.min(snr, snrGamma) / snr : 1);
            times[row] = timesteps[row];
        }
        return new Question(FloatArray.of(noisy, latents.shape()), times, noise, weights);
    }

    /**
     * @param latents {@code [n, 4, h, w]} in the UNet's scale
     * @param noise of the same shape
     * @param captions n of them, as windows of 77 tokens; those that are one object are encoded once
     */
    DenoisingBatch batch(FloatArray latents, FloatArray noise, int[] timesteps, List<int[]> captions) {
        Question question = ask(latents, noise, timesteps);
        int n = timesteps.length;
        IdentityHashMap<int[], Integer> places = new IdentityHashMap<>();
        List<int[]> distinct = new ArrayList<>();
        int[] captionOf = new int[n];
        for (int row = 0; row < n; row++) {
            int[] caption = captions.get(row);
            captionOf[row] = places.computeIfAbsent(caption, _ -> {
                distinct.add(caption);
                return distinct.size() - 1;
            });
        }
        return new DenoisingBatch(
                question.noisy(),
                question.timesteps(),
                new DenoisingBatch.Captions(distinct.toArray(int[][]::new), 1),
                captionOf,
                null,
                question.target(),
                question.weights(),
                null,
                0);
    }
}
