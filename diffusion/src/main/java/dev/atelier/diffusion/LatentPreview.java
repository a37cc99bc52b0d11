package dev.atelier.diffusion;

import dev.atelier.model.Family;
import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;

/**
 * What a latent looks like, roughly: red, green and blue are sums of its channels. The factors are those that
 * AUTOMATIC1111 calls "Approx cheap".
 */
final class LatentPreview {
    private static final float[][] SD = {
        {0.298f, 0.207f, 0.208f}, {0.187f, 0.286f, 0.173f}, {-0.158f, 0.189f, 0.264f}, {-0.184f, -0.271f, -0.473f}
    };
    private static final float[][] SDXL = {
        {0.3448f, 0.4168f, 0.4395f},
        {-0.1953f, -0.0290f, 0.0250f},
        {0.1074f, 0.0886f, -0.0163f},
        {-0.3730f, -0.2499f, -0.2088f}
    };

    private LatentPreview() {}

    /** A picture of {@code h × w} pixels for each of {@code n} latents, {@code [n, 4, h, w]}. */
    static List<BufferedImage> of(FloatArray latents, Family family) {
        float[][] factors = family.isXl() ? SDXL : SD;
        int plane = latents.size(2) * latents.size(3);
        List<BufferedImage> pictures = new ArrayList<>();
        for (int n = 0; n < latents.size(0); n++) {
            float[] rgb = new float[3 * plane];
            for (int channel = 0; channel < factors.length; channel++) {
                for (int color = 0; color < 3; color++) {
                    for (int i = 0; i < plane; i++) {
                        float value = latents.values()[(n * factors.length + channel) * plane + i];
                        rgb[color * plane + i] += factors[channel][color] * value;
                    }
                }
            }
            pictures.add(RgbImage.of(FloatArray.of(rgb, 1, 3, latents.size(2), latents.size(3))));
        }
        return pictures;
    }
}
