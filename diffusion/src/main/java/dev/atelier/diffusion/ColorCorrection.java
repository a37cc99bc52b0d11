package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Gives a picture the colours of another, as AUTOMATIC1111's "Apply color correction to img2img results": the histogram of
 * each channel in CIE L*a*b* becomes that of the other picture, and each pixel keeps its luma. L*a*b* is computed in whole
 * numbers as OpenCV does it: few colours have few levels, and a level more can be far away in the other histogram.
 *
 * @param target the picture whose colours are wanted, RGB
 */
record ColorCorrection(Bitmap target) {
    /** Of linear red, green and blue, CIE XYZ over that of white (D65), in 4096ths. */
    private static final int[][] XYZ = {{1777, 1541, 778}, {871, 2929, 296}, {73, 448, 3575}};

    /** Of a level of red, green or blue, the amount of light, up to 8 · 255. */
    private static final int[] LINEAR = IntStream.range(0, 256)
            .map(level -> (int) Math.rint(8 * 255 * linear(level / 255.0)))
            .toArray();

    private static final int ONE = 1 << 15;

    /** Of an amount of light, what L*a*b* takes differences of, in 32768ths. */
    private static final int[] BENT = IntStream.range(0, 8 * 256 * 3 / 2)
            .map(light -> (int) Math.rint(ONE * bent(light / (8 * 255.0))))
            .toArray();

    private static final double[][] RGB = {
        {3.240479 * 0.950456, -1.53715, -0.498535 * 1.088754},
        {-0.969256 * 0.950456, 1.875991, 0.041556 * 1.088754},
        {0.055648 * 0.950456, -0.204043, 1.057311 * 1.088754}
    };

    private static final double[] LUMA = {0.299, 0.587, 0.114};

    Bitmap apply(Bitmap drawn) {
        Bitmap lab = lab(drawn);
        Bitmap wanted = lab(target);
        int plane = drawn.height() * drawn.width();
        for (int channel = 0; channel < 3; channel++) {
            int[] levels = matching(histogram(lab.channel(channel)), histogram(wanted.channel(channel)));
            for (int i = channel * plane; i < (channel + 1) * plane; i++) {
                lab.levels()[i] = levels[lab.levels()[i]];
            }
        }
        return withLumaOf(drawn, rgb(lab));
    }

    private static int[] histogram(Bitmap channel) {
        int[] counts = new int[256];
        for (int level : channel.levels()) {
            counts[level]++;
        }
        return counts;
    }

    /** For each level the one that as large a share of the other picture is up to. */
    private static int[] matching(int[] counts, int[] wanted) {
        double[] shares = shares(counts);
        double[] wantedShares = shares(wanted);
        int[] present =
                IntStream.range(0, 256).filter(level -> wanted[level] > 0).toArray();
        int[] levels = new int[256];
        int next = 0;
        for (int level = 0; level < 256; level++) {
            while (next < present.length - 1 && wantedShares[present[next]] < shares[level]) {
                next++;
            }
            int above = present[next];
            int below = next == 0 ? above : present[next - 1];
            double from = wantedShares[below];
            double to = wantedShares[above];
            double way = above == below || shares[level] >= to ? 1 : Math.max(0, (shares[level] - from) / (to - from));
            levels[level] = (int) (below + way * (above - below));
        }
        return levels;
    }

    private static double[] shares(int[] counts) {
        double all = Arrays.stream(counts).sum();
        double[] shares = new double[counts.length];
        int sum = 0;
        for (int level = 0; level < counts.length; level++) {
            sum += counts[level];
            shares[level] = sum / all;
        }
        return shares;
    }

    private interface Colour {
        double[] of(double[] colour);
    }

    private static Bitmap map(Bitmap image, Colour change) {
        Bitmap changed = Bitmap.blank(3, image.width(), image.height());
        int plane = image.height() * image.width();
        for (int i = 0; i < plane; i++) {
            double[] colour = change.of(
                    new double[] {image.levels()[i], image.levels()[plane + i], image.levels()[2 * plane + i]});
            for (int channel = 0; channel < 3; channel++) {
                changed.levels()[channel * plane + i] = (int) Math.rint(Math.clamp(colour[channel], 0, 255));
            }
        }
        return changed;
    }

    private static double product(double[] row, double[] colour) {
        return row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2];
    }

    private static Bitmap lab(Bitmap rgb) {
        return map(rgb, colour -> {
            int[] f = new int[3];
            for (int i = 0; i < f.length; i++) {
                int light = 0;
                for (int channel = 0; channel < 3; channel++) {
                    light += XYZ[i][channel] * LINEAR[(int) colour[channel]];
                }
                f[i] = BENT[(light + (1 << 11)) >> 12];
            }
            int lightness = 296 * f[1] - 16 * 255 * ONE / 100; // 296 = 116 · 255 / 100
            int a = 500 * (f[0] - f[1]) + 128 * ONE;
            int b = 200 * (f[1] - f[2]) + 128 * ONE;
            return new double[] {rounded(lightness), rounded(a), rounded(b)};
        });
    }

    private static int rounded(int value) {
        return (value + ONE / 2) / ONE;
    }

    private static double linear(double value) {
        return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
    }

    private static double bent(double t) {
        return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116.0;
    }

    private static double straight(double f) {
        return f <= 0.206893 ? (f - 16 / 116.0) / 7.787 : f * f * f;
    }

    private static Bitmap rgb(Bitmap lab) {
        return map(lab, colour -> {
            double fy = (colour[0] / 2.55 + 16) / 116;
            double[] xyz = {straight((colour[1] - 128) / 500 + fy), straight(fy), straight(fy - (colour[2] - 128) / 200)
            };
            return Arrays.stream(RGB)
                    .mapToDouble(row -> 255 * gamma(Math.clamp(product(row, xyz), 0, 1)))
                    .toArray();
        });
    }

    private static double gamma(double value) {
        return value <= 0.0031308 ? 12.92 * value : 1.055 * Math.pow(value, 1 / 2.4) - 0.055;
    }

    /** Where a colour would leave the cube, it is drawn towards grey. */
    private static Bitmap withLumaOf(Bitmap drawn, Bitmap corrected) {
        int plane = drawn.height() * drawn.width();
        int[] place = {0};
        return map(corrected, colour -> {
            int i = place[0]++;
            double luma = 0;
            for (int channel = 0; channel < 3; channel++) {
                luma += LUMA[channel] * drawn.levels()[channel * plane + i];
            }
            double grey = luma;
            double shift = grey - product(LUMA, colour);
            double[] moved = Arrays.stream(colour).map(level -> level + shift).toArray();
            double min = Arrays.stream(moved).min().orElseThrow();
            double max = Arrays.stream(moved).max().orElseThrow();
            double kept = Math.min(min < 0 ? grey / (grey - min) : 1, max > 255 ? (255 - grey) / (max - grey) : 1);
            return Arrays.stream(moved)
                    .map(level -> grey + (level - grey) * kept)
                    .toArray();
        });
    }
}
