package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What can be made of a picture for a ControlNet, by plain image processing. Called as in AUTOMATIC1111's extension. */
public enum Extraction {
    /** The picture is what the ControlNet was trained on already. */
    NONE("none") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return picture;
        }
    },
    /** Black on white becomes white on black, which lines are to ControlNets. */
    INVERT("invert") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return picture.inverted();
        }
    },
    /** White lines on black: where a picture is darker than its surroundings. */
    LINEART("lineart_standard", "lineart", "lineart_realistic", "lineart_coarse") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return Lines.lineart(picture);
        }
    },
    /** White edges on black (Canny 1986, "A Computational Approach to Edge Detection") between two thresholds. */
    CANNY(100, 200, "canny") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return Lines.canny(picture, (int) Math.min(a, b), (int) Math.max(a, b));
        }
    },
    /** Thick white strokes on black: where a picture differs from its surroundings by half a threshold. */
    SCRIBBLE(32, 0, "scribble_xdog", "scribble") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return Lines.scribble(picture, a);
        }
    },
    /** White where all channels are above a threshold, and black elsewhere. */
    THRESHOLD(127, 0, "threshold") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return PlainProcessing.bright(picture, a);
        }
    },
    /** The picture with fewer details, by a factor that it is made smaller with. */
    TILE(1, 0, "tile_resample", "tile") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return PlainProcessing.coarser(picture, a);
        }
    },
    /** Blurred by a standard deviation in pixels. */
    BLUR(9, 0, "blur_gaussian", "blur") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return PlainProcessing.blurred(picture, a);
        }
    },
    /** Grey by CIE's lightness, to a power. */
    LUMINANCE(1, 0, "recolor_luminance") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return PlainProcessing.luminance(picture, a);
        }
    },
    /** Grey by the brightest channel, to a power. */
    INTENSITY(1, 0, "recolor_intensity") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return PlainProcessing.intensity(picture, a);
        }
    },
    /** Squares of 64 pixels, for the T2I-Adapter of colours. */
    COLORS("t2ia_color_grid", "color") {
        @Override
        Bitmap of(Bitmap picture, double a, double b) {
            return PlainProcessing.squares(picture);
        }
    };

    private final double standardA;
    private final double standardB;

    @SuppressWarnings("ImmutableEnumChecker") // a copy
    private final List<String> names;

    Extraction(String... names) {
        this(0, 0, names);
    }

    Extraction(double standardA, double standardB, String... names) {
        this.standardA = standardA;
        this.standardB = standardB;
        this.names = List.of(names);
    }

    public String label() {
        return names.getFirst();
    }

    /** The names of all of them. */
    public static List<String> labels() {
        return Stream.of(values()).map(Extraction::label).toList();
    }

    /**
     * By its name; an empty one is none.
     *
     * @throws IllegalArgumentException if there is none of this name, such as those that need a network of their own
     */
    public static Extraction named(String name) {
        String plain = name.strip().toLowerCase(Locale.ROOT);
        // the extension's menus say what a name is for, in brackets
        String word = plain.indexOf(' ') > 0 ? plain.substring(0, plain.indexOf(' ')) : plain;
        return word.isEmpty()
                ? NONE
                : Arrays.stream(values())
                        .filter(extraction -> extraction.names.contains(word))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException(
                                "\"%s\" cannot be made of a picture here; known are %s, or hand in the finished picture"
                                        .formatted(name, String.join(", ", labels()))));
    }

    /** @param thresholds see {@link ControlUnit#thresholds}; those that are left out are the usual */
    Bitmap of(Bitmap picture, List<Double> thresholds) {
        return of(
                picture,
                thresholds.isEmpty() ? standardA : thresholds.getFirst(),
                thresholds.size() < 2 ? standardB : thresholds.get(1));
    }

    /** RGB of the same size. */
    abstract Bitmap of(Bitmap picture, double a, double b);
}
