package dev.atelier.model;

import dev.atelier.checkpoint.PredictionType;
import java.util.Arrays;

/** Tries out what a UNet of SD 2.x predicts, as AUTOMATIC1111 does ({@code modules/sd_models_config.py}). */
final class PredictionProbe {
    private static final int SIDE = 8;

    private PredictionProbe() {}

    /** On grey noise at the last timestep, ε is near the latent itself, and v lies far below. */
    static PredictionType of(DiffusionModel model, UNetConfig unet) {
        FloatArray latents = grey(1, UNetConfig.LATENT_CHANNELS, SIDE, SIDE);
        UNetConditioning conditioning = UNetConditioning.of(grey(1, 2, unet.contextWidth()));
        FloatArray output = model.predictNoise(latents, new float[] {999}, conditioning);
        double difference = 0;
        for (float value : output.values()) {
            difference += value - 0.5;
        }
        return difference / output.values().length < -1 ? PredictionType.V : PredictionType.EPSILON;
    }

    private static FloatArray grey(int... shape) {
        float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.fill(values, 0.5f);
        return FloatArray.of(values, shape);
    }
}
