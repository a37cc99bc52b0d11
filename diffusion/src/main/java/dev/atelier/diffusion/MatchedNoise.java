package dev.atelier.diffusion;

import java.util.Arrays;

/**
 * Noise that looks like a picture, as g-diffuser-bot and AUTOMATIC1111's "Outpainting mk2" make it: white noise gets the
 * strengths and phases of the picture's frequencies, and then its colours.
 */
final class MatchedNoise {
    private final Bitmap picture;
    private final Bitmap mask;
    private final int pixels;

    private MatchedNoise(Bitmap picture, Bitmap mask) {
        this.picture = picture;
        this.mask = mask;
        this.pixels = picture.width() * picture.height();
    }

    /**
     * @param picture RGB with even sides
     * @param mask one channel of the same size, white where there is to be noise, and black elsewhere
     * @param falloff the power of the picture's frequencies that the noise gets
     * @param colorVariation how colourful the noise is before that
     */
    static Bitmap of(Bitmap picture, Bitmap mask, double falloff, double colorVariation) {
        return new MatchedNoise(picture, mask).with(falloff, colorVariation);
    }

    private Bitmap with(double falloff, double colorVariation) {
        double[][] noise = shaped(falloff, white(colorVariation));
        int[] levels = new int[3 * pixels];
        for (int channel = 0; channel < 3; channel++) {
            double[] matched = matched(noise[channel], channel);
            for (int i = 0; i < pixels; i++) {
                double value = isNoise(i) ? matched[i] : share(channel, i);
                levels[channel * pixels + i] = (int) Math.clamp(Math.clamp(value, 0, 1) * 255, 0, 255);
            }
        }
        return new Bitmap(3, picture.height(), picture.width(), levels);
    }

    private boolean isNoise(int pixel) {
        return mask.levels()[pixel] > 0;
    }

    private double share(int channel, int pixel) {
        return picture.levels()[channel * pixels + pixel] / 255.0;
    }

    /** Grey noise with a little colour, its high frequencies damped; numpy's generator with the seed 0. */
    private double[][] white(double colorVariation) {
        Pcg64 random = new Pcg64();
        double[][] noise = new double[3][pixels];
        for (int i = 0; i < pixels; i++) {
            double grey = 0;
            for (int channel = 0; channel < 3; channel++) {
                noise[channel][i] = random.nextDouble();
                grey += noise[channel][i];
            }
            for (int channel = 0; channel < 3; channel++) {
                noise[channel][i] = noise[channel][i] * colorVariation + (1 - colorVariation) * (grey / 3);
            }
        }
        int shorter = Math.min(picture.width(), picture.height());
        for (int channel = 0; channel < 3; channel++) {
            Spectrum spectrum = Spectrum.of(noise[channel], picture.height(), picture.width());
            spectrum.scale(i -> {
                double y = fromMiddle(i / picture.width(), picture.height(), shorter);
                double x = fromMiddle(i % picture.width(), picture.width(), shorter);
                return 1 / ((x * x + 1) * (y * y + 1));
            });
            noise[channel] = spectrum.inverse();
        }
        return noise;
    }

    private static double fromMiddle(int place, int length, int shorter) {
        return ((double) place / length * 2 - 1) * ((double) length / shorter);
    }

    /** The noise with the frequencies of the picture, whose hidden part is its mean; from 0 to 1. */
    private double[][] shaped(double falloff, double[][] noise) {
        double brightest = 0;
        double sum = 0;
        for (int channel = 0; channel < 3; channel++) {
            for (int i = 0; i < pixels; i++) {
                brightest = isNoise(i) ? brightest : Math.max(brightest, share(channel, i));
                sum += share(channel, i);
            }
        }
        double least = Double.POSITIVE_INFINITY;
        double[][] shaped = new double[3][];
        for (int channel = 0; channel < 3; channel++) {
            double[] shown = new double[pixels];
            for (int i = 0; i < pixels; i++) {
                shown[i] = isNoise(i) ? sum / (3 * pixels) : share(channel, i) / Math.max(brightest, 1e-9);
            }
            Spectrum spectrum = Spectrum.of(shown, picture.height(), picture.width());
            Spectrum ofNoise = Spectrum.of(noise[channel], picture.height(), picture.width());
            spectrum.scale(i -> {
                double strength = spectrum.strength(i);
                double power = ofNoise.strength(i) * ofNoise.strength(i);
                return strength == 0 ? 0 : power * Math.pow(strength, falloff) / strength;
            });
            shaped[channel] = spectrum.inverse();
            least = Math.min(least, Arrays.stream(shaped[channel]).min().orElseThrow());
        }
        double most = 0;
        for (double[] plane : shaped) {
            for (int i = 0; i < pixels; i++) {
                plane[i] -= least;
                most = Math.max(most, plane[i]);
            }
        }
        for (double[] plane : shaped) {
            for (int i = 0; i < pixels; i++) {
                plane[i] /= most == 0 ? 1 : most;
            }
        }
        return shaped;
    }

    /** With the distribution of the picture's levels: scikit-image's {@code match_histograms}. */
    private double[] matched(double[] noise, int channel) {
        double[] sources = sorted(noise, true);
        double[] targets = new double[pixels];
        for (int i = 0; i < pixels; i++) {
            targets[i] = share(channel, i);
        }
        double[] levels = sorted(targets, false);
        double[] matched = noise.clone();
        if (levels.length == 0) {
            return matched;
        }
        for (int i = 0; i < pixels; i++) {
            if (isNoise(i)) {
                matched[i] = quantile(levels, (double) notAbove(sources, noise[i]) / sources.length);
            }
        }
        return matched;
    }

    private double[] sorted(double[] values, boolean ofNoise) {
        double[] some = new double[pixels];
        int count = 0;
        for (int i = 0; i < pixels; i++) {
            if (isNoise(i) == ofNoise) {
                some[count++] = values[i];
            }
        }
        double[] sorted = Arrays.copyOf(some, count);
        Arrays.sort(sorted);
        return sorted;
    }

    /** How many values are {@code value} or less. */
    private static int notAbove(double[] sorted, double value) {
        int low = 0;
        int high = sorted.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle] <= value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Linear between the shares of values that are as large as one of them or less. */
    private static double quantile(double[] sorted, double share) {
        int count = sorted.length;
        int upper = Math.min(count - 1, (int) Math.ceil(share * count - 1e-9) - 1);
        double value = sorted[Math.max(0, upper)];
        double reached = (double) notAbove(sorted, value) / count;
        int below = notAbove(sorted, Math.nextDown(value));
        if (below == 0) {
            return value;
        }
        double before = (double) below / count;
        return sorted[below - 1] + (value - sorted[below - 1]) * ((share - before) / (reached - before));
    }
}
