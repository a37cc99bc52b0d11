package dev.atelier.diffusion;

import dev.atelier.checkpoint.PredictionType;
import dev.atelier.model.AlphasCumprod;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.Family;
import dev.atelier.model.FloatArray;
import dev.atelier.model.TextEncoding;
import dev.atelier.model.TextWindow;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.List;

/**
 * A model without weights whose answers are known: for a prompt its latents are normally distributed, with a standard
 * deviation of 1, around {@link #mean} of that prompt. It keeps the shapes and values of the calls.
 */
class LinearModel implements DiffusionModel {
    final List<String> calls = new ArrayList<>();
    final List<Float> timesteps = new ArrayList<>();

    private final NoiseSchedule schedule = new NoiseSchedule(AlphasCumprod.scaledLinear());

    /** The conditioning is the token ids themselves, at 1/49408 of their value. */
    @Override
    public TextEncoding encodeText(List<TextWindow> windows, int clipSkip) {
        calls.add("encode " + windows.size());
        float[] context = new float[windows.size() * ClipTokenizer.WINDOW];
        for (int i = 0; i < context.length; i++) {
            context[i] = windows.get(i / ClipTokenizer.WINDOW).tokens().get(i % ClipTokenizer.WINDOW) / 49408f;
        }
        return new TextEncoding(List.of(FloatArray.of(context, windows.size(), ClipTokenizer.WINDOW, 1)), null);
    }

    static float mean(FloatArray context, int row) {
        float sum = 0;
        float[] values = context.rows(row, row + 1).values();
        for (float value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /** ε = (x − D)/σ with D = (x + mean·σ²)/(1 + σ²). */
    @Override
    public FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning conditioning) {
        FloatArray context = conditioning.context();
        calls.add("unet " + latents.size(0) + "x" + context.size(1));
        this.timesteps.add(timesteps[0]);
        float[] noise = latents.values().clone();
        int row = noise.length / latents.size(0);
        for (int i = 0; i < noise.length; i++) {
            double sigma = schedule.sigma(timesteps[i / row]);
            double variance = sigma * sigma;
            double x = noise[i] * Math.sqrt(variance + 1);
            double denoised = (x + mean(context, i / row) * variance) / (1 + variance);
            noise[i] = (float) ((x - denoised) / sigma);
        }
        return FloatArray.of(noise, latents.shape());
    }

    /** Each latent cell becomes 8 × 8 pixels whose colour is the first three channels. */
    @Override
    public FloatArray decode(FloatArray latents) {
        calls.add("decode " + latents.size(0));
        int height = latents.size(2) * spatialFactor();
        int width = latents.size(3) * spatialFactor();
        float[] pixels = new float[3 * height * width];
        for (int i = 0; i < pixels.length; i++) {
            int channel = i / (height * width);
            int y = i / width % height / spatialFactor();
            int x = i % width / spatialFactor();
            pixels[i] = latents.values()[(channel * latents.size(2) + y) * latents.size(3) + x];
        }
        return FloatArray.of(pixels, 1, 3, height, width);
    }

    /** The mean of each 8 × 8 pixels; the fourth channel is 0. */
    @Override
    public FloatArray encode(FloatArray pictures) {
        calls.add("encode picture " + pictures.size(0));
        int f = spatialFactor();
        int height = pictures.size(2) / f;
        int width = pictures.size(3) / f;
        float[] latents = new float[pictures.size(0) * 4 * height * width];
        for (int i = 0; i < pictures.values().length; i++) {
            int plane = i / (pictures.size(2) * pictures.size(3));
            int y = i / pictures.size(3) % pictures.size(2) / f;
            int x = i % pictures.size(3) / f;
            latents[(plane / 3 * 4 + plane % 3) * height * width + y * width + x] += pictures.values()[i] / (f * f);
        }
        return FloatArray.of(latents, pictures.size(0), 4, height, width);
    }

    @Override
    public List<Integer> tokenWidths() {
        return List.of(1);
    }

    @Override
    public Family family() {
        return Family.SD1;
    }

    @Override
    public PredictionType prediction() {
        return PredictionType.EPSILON;
    }

    @Override
    public int inputChannels() {
        return 4;
    }

    @Override
    public int spatialFactor() {
        return 8;
    }

    @Override
    public float[] alphasCumprod() {
        return AlphasCumprod.scaledLinear();
    }

    @Override
    public void release() {}

    @Override
    public void close() {}
}
