package dev.atelier.training.objective;

import dev.atelier.model.FloatArray;
import dev.atelier.training.setting.Setting;
import java.util.random.RandomGenerator;

/**
 * The noise that latents are mixed with. Plain noise hardly changes how bright a picture is on the whole, so a network that
 * learns from it alone draws neither very dark nor very bright ones; offset and pyramid noise are cures for that. Both are also
 * what the network is to answer; a perturbation is not.
 *
 * @param levels of pyramid noise, each coarser than the one before
 * @param discount how much fainter each of them is
 */
public record NoiseShape(
        @Setting(
                value = "noise-offset",
                label = "X",
                help =
                        "Noise added to whole channels, so that pictures can become darker and lighter: 0.05 to 0.1 (Guttenberg"
                                + " 2023).",
                standard = "0",
                also = "offset_noise=0.1")
        double offset,

        @Setting(
                value = "random-offset",
                help = "The noise offset of a batch is a random part of that.",
                also = "noise_offset_random_strength")
        boolean randomOffset,

        @Setting(
                value = "adaptive-offset",
                label = "X",
                help = "Let the noise offset grow with the mean of the latents.",
                standard = "0",
                also = "adaptive_noise_scale")
        double adaptiveOffset,

        @Setting(
                value = "multires-noise",
                label = "LEVELS",
                help = "Add coarser and coarser noise (pyramid noise, Whitaker 2023); 6 to 10.",
                standard = "0",
                also = "multires_noise_iterations")
        int levels,

        @Setting(
                value = "multires-discount",
                label = "X",
                help = "How much fainter each level is.",
                standard = "0.3",
                also = "multires_noise_discount")
        double discount,

        @Setting(
                value = "input-perturbation",
                label = "X",
                help = "Add noise that the network need not find; 0.1 in the paper (Ning et al. 2023).",
                standard = "0",
                also = "ip_noise_gamma")
        double perturbation,

        @Setting(
                value = "random-perturbation",
                help = "That of a batch is a random part of it.",
                also = "ip_noise_gamma_random_strength")
        boolean randomPerturbation) {
    /** Plain noise. */
    public static final NoiseShape PLAIN = new NoiseShape(0, false, 0, 0, 0.3, 0, false);

    /**
     * @param asked what the network is to find, {@code [n, 4, h, w]}
     * @param mixed what the latents are mixed with
     */
    public record Noise(FloatArray asked, FloatArray mixed) {}

    /** Noise for {@code latents}, {@code [n, 4, h, w]} in the UNet's scale. */
    public Noise draw(FloatArray latents, RandomGenerator random) {
        FloatArray noise = normal(random, latents.shape());
        if (offset != 0 || adaptiveOffset != 0) {
            addOffset(noise.values(), latents, random);
        }
        if (levels > 0) {
            addPyramid(noise, random);
        }
        if (perturbation == 0) {
            return new Noise(noise, noise);
        }
        double strength = perturbation * (randomPerturbation ? random.nextDouble() : 1);
        float[] mixed = noise.values().clone();
        for (int i = 0; i < mixed.length; i++) {
            mixed[i] += (float) (strength * random.nextGaussian());
        }
        return new Noise(noise, FloatArray.of(mixed, latents.shape()));
    }

    private static FloatArray normal(RandomGenerator random, int... shape) {
        int size = 1;
        for (int length : shape) {
            size *= length;
        }
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return FloatArray.of(values, shape);
    }

    private void addOffset(float[] noise, FloatArray latents, RandomGenerator random) {
        double strength = offset * (randomOffset ? random.nextDouble() : 1);
        int channel = latents.size(2) * latents.size(3);
        for (int first = 0; first < noise.length; first += channel) {
            double sum = 0;
            for (int i = first; i < first + channel; i++) {
                sum += latents.values()[i];
            }
            double amount = strength + adaptiveOffset * Math.abs(sum / channel);
            float all = (float) ((adaptiveOffset != 0 ? Math.max(0, amount) : amount) * random.nextGaussian());
            for (int i = first; i < first + channel; i++) {
                noise[i] += all;
            }
        }
    }

    /** Step for step as kohya's {@code pyramid_noise_like}, whose first level is as fine as the noise itself. */
    private void addPyramid(FloatArray noise, RandomGenerator random) {
        int height = noise.size(2);
        int width = noise.size(3);
        for (int level = 0; level < levels; level++) {
            double shrink = Math.pow(2 + 2 * random.nextDouble(), level);
            int coarseHeight = Math.max(1, (int) (height / shrink));
            int coarseWidth = Math.max(1, (int) (width / shrink));
            FloatArray coarse = normal(random, noise.size(0), noise.size(1), coarseHeight, coarseWidth);
            addStretched(noise, coarse, Math.pow(discount, level));
            if (coarseHeight == 1 || coarseWidth == 1) {
                break;
            }
        }
        normalize(noise.values());
    }

    /** Adds {@code coarse}, interpolated to the size of {@code noise}, times {@code amount}. */
    private static void addStretched(FloatArray noise, FloatArray coarse, double amount) {
        int height = noise.size(2);
        int width = noise.size(3);
        int coarseHeight = coarse.size(2);
        int coarseWidth = coarse.size(3);
        for (int y = 0; y < height; y++) {
            double row = place(y, height, coarseHeight);
            int top = (int) row;
            int bottom = Math.min(top + 1, coarseHeight - 1);
            for (int x = 0; x < width; x++) {
                double column = place(x, width, coarseWidth);
                int left = (int) column;
                int right = Math.min(left + 1, coarseWidth - 1);
                for (int plane = 0; plane < noise.size(0) * noise.size(1); plane++) {
                    float[] from = coarse.values();
                    int first = plane * coarseHeight * coarseWidth;
                    double above = mix(
                            from[first + top * coarseWidth + left],
                            from[first + top * coarseWidth + right],
                            column - left);
                    double below = mix(
                            from[first + bottom * coarseWidth + left],
                            from[first + bottom * coarseWidth + right],
                            column - left);
                    noise.values()[(plane * height + y) * width + x] += (float) (amount * mix(above, below, row - top));
                }
            }
        }
    }

    /** Where the middle of the pixel {@code at} of {@code of} lies among {@code coarse} pixels. */
    private static double place(int at, int of, int coarse) {
        return Math.max(0, (at + 0.5) * coarse / of - 0.5);
    }

    private static double mix(double a, double b, double share) {
        return a + share * (b - a);
    }

    private static void normalize(float[] values) {
        double sum = 0;
        double squares = 0;
        for (float value : values) {
            sum += value;
            squares += (double) value * value;
        }
        double variance = (squares - sum * sum / values.length) / (values.length - 1);
        float scale = (float) (1 / Math.sqrt(variance));
        for (int i = 0; i < values.length; i++) {
            values[i] *= scale;
        }
    }
}
