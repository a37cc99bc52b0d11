package dev.atelier.diffusion;

/** Pictures over pictures, level for level as Pillow computes them. */
final class Compositing {
    // what lies under the mask is filled with ever sharper blurs of what lies around it: standard deviation, how often
    private static final int[][] FILLINGS = {{256, 1}, {64, 1}, {16, 2}, {4, 4}, {2, 2}, {0, 1}};

    private Compositing() {}

    /** An RGB picture as RGBA, transparent where the mask is white. */
    static Bitmap cutOut(Bitmap image, Bitmap mask) {
        return straight(cutOutPremultiplied(image, mask));
    }

    private static Bitmap cutOutPremultiplied(Bitmap image, Bitmap mask) {
        Bitmap cut = Bitmap.blank(4, image.width(), image.height());
        int plane = image.height() * image.width();
        for (int i = 0; i < plane; i++) {
            int kept = 255 - mask.levels()[i];
            for (int channel = 0; channel < 3; channel++) {
                cut.levels()[channel * plane + i] = product(image.levels()[channel * plane + i], kept);
            }
            cut.levels()[3 * plane + i] = kept;
        }
        return cut;
    }

    /** a·b/255, rounded. */
    private static int product(int a, int b) {
        return divided(a * b + 128);
    }

    /** {@code share} of 255 parts of b, the rest of a. */
    static int mix(int a, int b, int share) {
        return divided(a * (255 - share) + b * share + 128);
    }

    private static Bitmap straight(Bitmap premultiplied) {
        int plane = premultiplied.height() * premultiplied.width();
        int[] levels = premultiplied.levels().clone();
        for (int i = 0; i < plane; i++) {
            int alpha = levels[3 * plane + i];
            for (int channel = 0; channel < 3 && alpha > 0 && alpha < 255; channel++) {
                levels[channel * plane + i] = Math.min(255, 255 * levels[channel * plane + i] / alpha);
            }
        }
        return new Bitmap(4, premultiplied.height(), premultiplied.width(), levels);
    }

    /** An RGBA picture over another. */
    static Bitmap over(Bitmap below, Bitmap above) {
        int plane = below.height() * below.width();
        int[] levels = new int[4 * plane];
        for (int i = 0; i < plane; i++) {
            int alpha = above.levels()[3 * plane + i];
            int belowAlpha = below.levels()[3 * plane + i];
            int blend = belowAlpha * (255 - alpha);
            int outAlpha255 = alpha * 255 + blend;
            if (outAlpha255 == 0 || alpha == 0) {
                for (int channel = 0; channel < 4; channel++) {
                    levels[channel * plane + i] = below.levels()[channel * plane + i];
                }
                continue;
            }
            // Pillow's 7 bits of extra precision
            int share = alpha * 255 * 255 * (1 << 7) / outAlpha255;
            int rest = 255 * (1 << 7) - share;
            for (int channel = 0; channel < 3; channel++) {
                int mixed = above.levels()[channel * plane + i] * share + below.levels()[channel * plane + i] * rest;
                levels[channel * plane + i] = divided(mixed + (0x80 << 7)) >> 7;
            }
            levels[3 * plane + i] = divided(outAlpha255 + 0x80);
        }
        return new Bitmap(4, below.height(), below.width(), levels);
    }

    private static int divided(int a) {
        return ((a >> 8) + a) >> 8;
    }

    /** AUTOMATIC1111's "fill": what lies under the white of the mask gives way to a blur of what lies around it. */
    static Bitmap fill(Bitmap image, Bitmap mask) {
        Bitmap around = cutOutPremultiplied(image, mask);
        Bitmap filled = Bitmap.blank(4, image.width(), image.height());
        for (int[] filling : FILLINGS) {
            Bitmap blurred = straight(Blur.boxes(around, filling[0]));
            for (int i = 0; i < filling[1]; i++) {
                filled = over(filled, blurred);
            }
        }
        return filled.rgb();
    }
}
