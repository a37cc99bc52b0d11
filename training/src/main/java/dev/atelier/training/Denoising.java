package dev.atelier.training;

import dev.atelier.checkpoint.PredictionType;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.ElementLoss;
import dev.atelier.model.FloatArray;
import dev.atelier.training.objective.LossWeight;
import dev.atelier.training.objective.NoiseShape;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The objective of denoising diffusion: which noise is in a latent?
 *
 * @param alphasCumprod ᾱ of each timestep
 * @param prediction whether the network answers with the noise, or with v, √ᾱ of it less √(1 - ᾱ) of the latent (Salimans and Ho
 *     2022, "Progressive Distillation for Fast Sampling of Diffusion Models")
 * @param weights how much a timestep counts
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Denoising(float[] alphasCumprod, PredictionType prediction, List<LossWeight> weights) {
    /** Of noise, with min-SNR weights; 0 weighs all alike. */
    Denoising(float[] alphasCumprod, double snrGamma) {
        this(
                alphasCumprod,
                PredictionType.EPSILON,
                snrGamma > 0 ? List.of(new LossWeight.MinSnr(snrGamma)) : List.of());
    }

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
    Question ask(FloatArray latents, NoiseShape.Noise noise, int[] timesteps) {
        int n = timesteps.length;
        int elements = latents.values().length / n;
        float[] noisy = new float[latents.values().length];
        float[] target = new float[noisy.length];
        float[] counts = new float[n];
        float[] times = new float[n];
        for (int row = 0; row < n; row++) {
            float alpha = alphasCumprod[timesteps[row]];
            float signal = (float) Math.sqrt(alpha);
            float spread = (float) Math.sqrt(1 - alpha);
            for (int i = row * elements; i < (row + 1) * elements; i++) {
                float latent = latents.values()[i];
                float asked = noise.asked().values()[i];
                noisy[i] = signal * latent + spread * noise.mixed().values()[i];
                target[i] = prediction == PredictionType.V ? signal * asked - spread * latent : asked;
            }
            double snr = alpha / (1.0 - alpha);
            double weight = 1;
            for (LossWeight each : weights) {
                weight *= each.at(snr, prediction);
            }
            counts[row] = (float) weight;
            times[row] = timesteps[row];
        }
        return new Question(
                FloatArray.of(noisy, latents.shape()), times, FloatArray.of(target, latents.shape()), counts);
    }

    /**
     * With part of the network's error in what it is shown and what it should answer, see {@link TrainingObjective.Dream}.
     *
     * @param answer what the network answers to the batch, {@code [n, 4, h, w]}
     */
    DenoisingBatch dream(DenoisingBatch batch, FloatArray answer, double power) {
        int elements = answer.values().length / batch.timesteps().length;
        float[] noisy = batch.noisy().values().clone();
        float[] target = batch.target().values().clone();
        for (int i = 0; i < noisy.length; i++) {
            double spread = Math.sqrt(1 - alphasCumprod[(int) batch.timesteps()[i / elements]]);
            double error = (target[i] - answer.values()[i]) * Math.pow(spread, power);
            noisy[i] += (float) (spread * error);
            target[i] += (float) error;
        }
        int[] shape = answer.shape();
        return batch.asking(FloatArray.of(noisy, shape), FloatArray.of(target, shape));
    }

    /**
     * @param latents {@code [n, 4, h, w]} in the UNet's scale
     * @param noise of the same shape
     * @param captions n of them, as windows of 77 tokens; those that are one object are encoded once
     */
    DenoisingBatch batch(FloatArray latents, FloatArray noise, int[] timesteps, List<int[]> captions) {
        Question question = ask(latents, new NoiseShape.Noise(noise, noise), timesteps);
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
                new ElementLoss.Squared(),
                question.target(),
                question.weights(),
                null,
                0);
    }
}
