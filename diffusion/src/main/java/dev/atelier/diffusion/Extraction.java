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
        Bitmap of(Bitmap picture) {
            return picture;
        }
    },
    /** Black on white becomes white on black, which lines are to ControlNets. */
    INVERT("invert") {
        @Override
        Bitmap of(Bitmap picture) {
            return picture.inverted();
        }
    },
    /** White lines on black: where a picture is darker than its surroundings. */
    LINEART("lineart_standard", "lineart", "lineart_realistic", "lineart_coarse") {
        @Override
        Bitmap of(Bitmap picture) {
            return Lines.lineart(picture);
        }
    },
    /** White edges on black (Canny 1986, "A Computational Approach to Edge Detection"), with thresholds 100 and 200. */
    CANNY("canny") {
        @Override
        Bitmap of(Bitmap picture) {
            return Lines.canny(picture, 100, 200);
        }
    };

    @SuppressWarnings("ImmutableEnumChecker") // a copy
    private final List<String> names;

    Extraction(String... names) {
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

    /** RGB of the same size. */
    abstract Bitmap of(Bitmap picture);
}
