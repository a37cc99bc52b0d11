package dev.atelier.training.shapes;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;

/** The colours that captions name. */
enum Hue {
    RED(220, 30, 40),
    ORANGE(255, 140, 20),
    YELLOW(250, 220, 40),
    GREEN(40, 160, 60),
    BLUE(40, 80, 220),
    PURPLE(140, 50, 170),
    WHITE(250, 250, 250),
    BLACK(20, 20, 20);

    private final int red;
    private final int green;
    private final int blue;

    Hue(int red, int green, int blue) {
        this.red = red;
        this.green = green;
        this.blue = blue;
    }

    /** Red, green and blue in [-1, 1]. */
    double[] rgb() {
        return new double[] {red / 127.5 - 1, green / 127.5 - 1, blue / 127.5 - 1};
    }

    /** As captions name it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The colour whose red, green and blue in [-1, 1] are nearest to those given. */
    static Hue nearest(double[] rgb) {
        return Arrays.stream(values())
                .min(Comparator.comparingDouble(hue -> squaredDistance(hue.rgb(), rgb)))
                .orElseThrow();
    }

    static double squaredDistance(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < 3; i++) {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }
        return sum;
    }
}
