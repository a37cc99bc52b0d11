package dev.atelier.diffusion;

import dev.atelier.model.AlphasCumprod;

/**
 * How the noise levels that a network was trained on are changed before anything is drawn: AUTOMATIC1111's settings.
 *
 * @param halfPrecision "Downcast alphas_cumprod", whether they are rounded to fp16, as in its first versions
 * @param zeroTerminalSnr "Noise schedule", whether they are stretched to end in pure noise
 */
public record NoiseTable(boolean halfPrecision, boolean zeroTerminalSnr) {
    public static final NoiseTable TRAINED = new NoiseTable(false, false);

    float[] of(float[] alphasCumprod) {
        float[] table = alphasCumprod.clone();
        if (halfPrecision) {
            for (int t = 0; t < table.length; t++) {
                table[t] = Float.float16ToFloat(Float.floatToFloat16(table[t]));
            }
        }
        return zeroTerminalSnr ? AlphasCumprod.withZeroTerminalSnr(table) : table;
    }
}
