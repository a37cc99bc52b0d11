package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What can be made of a picture for a ControlNet, by plain image processing. Called as in AUTOMATIC1111's extension. */
@SuppressWarnings("ImmutableEnumChecker") // the functions keep nothing, the lists are copies
public enum Extraction {
    /** The picture is what the ControlNet was trained on already. */
    NONE((picture, a, b) -> picture, "none"),
    /** Black on white becomes white on black, which lines are to ControlNets. */
    INVERT((picture, a, b) -> picture.inverted(), "invert"),
    /** White lines on black: where a picture is darker than its surroundings. */
    LINEART(
            (picture, a, b) -> Lines.lineart(picture),
            "lineart_standard",
            "lineart",
            "lineart_realistic",
            "lineart_coarse"),
    /** White edges on black (Canny 1986, "A Computational Approach to Edge Detection") between two thresholds. */
    CANNY(100, 200, (picture, a, b) -> Lines.canny(picture, (int) Math.min(a, b), (int) Math.max(a, b)), "canny"),
    /** Thick white strokes on black: where a picture differs from its surroundings by half a threshold. */
    SCRIBBLE(32, (picture, a, b) -> Lines.scribble(picture, a), "scribble_xdog", "scribble"),
    /** White where all channels are above a threshold, and black elsewhere. */
    THRESHOLD(127, (picture, a, b) -> PlainProcessing.bright(picture, a), "threshold"),
    /** The picture with fewer details, by a factor that it is made smaller with. */
    TILE(1, (picture, a, b) -> PlainProcessing.coarser(picture, a), "tile_resample", "tile"),
    /** Blurred by a standard deviation in pixels. */
    BLUR(9, (picture, a, b) -> PlainProcessing.blurred(picture, a), "blur_gaussian", "blur"),
    /** Grey by CIE's lightness, to a power. */
    LUMINANCE(1, (picture, a, b) -> PlainProcessing.luminance(picture, a), "recolor_luminance"),
    /** Grey by the brightest channel, to a power. */
    INTENSITY(1, (picture, a, b) -> PlainProcessing.intensity(picture, a), "recolor_intensity"),
    /** Squares of 64 pixels, for the T2I-Adapter of colours. */
    COLORS((picture, a, b) -> PlainProcessing.squares(picture), "t2ia_color_grid", "color");

    /** RGB of the same size, by two thresholds. */
    private interface Processing {
        Bitmap of(Bitmap picture, double a, double b);
    }

    private final double standardA;
    private final double standardB;
    private final Processing processing;
    private final List<String> names;

    Extraction(Processing processing, String... names) {
        this(0, processing, names);
    }

    Extraction(double standardA, Processing processing, String... names) {
        this(standardA, 0, processing, names);
    }

    Extraction(double standardA, double standardB, Processing processing, String... names) {
        this.standardA = standardA;
        this.standardB = standardB;
        this.processing = processing;
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

    /**
     * RGB of the same size.
     *
     * @param thresholds see {@link ControlUnit#thresholds}; those that are left out are the usual
     */
    Bitmap of(Bitmap picture, List<Double> thresholds) {
        return processing.of(
                picture,
                thresholds.isEmpty() ? standardA : thresholds.getFirst(),
                thresholds.size() < 2 ? standardB : thresholds.get(1));
    }
}
