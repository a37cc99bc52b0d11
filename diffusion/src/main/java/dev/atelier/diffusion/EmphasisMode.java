package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.List;

/** How the weights of a prompt act: AUTOMATIC1111's option "Emphasis mode". */
public enum EmphasisMode {
    /** The brackets are text. */
    NONE("None"),

    /** The brackets are read, and their weights forgotten. */
    IGNORE("Ignore"),

    /** A token's vector is multiplied with its weight, and all of them together so that their mean stays as it was. */
    ORIGINAL("Original"),

    /** As the original, without keeping the mean. */
    NO_NORM("No norm");

    private final String label;

    EmphasisMode(String label) {
        this.label = label;
    }

    /** The name in AUTOMATIC1111's settings and in infotext. */
    public String label() {
        return label;
    }

    /** @throws IllegalArgumentException if there is no such mode; the message lists the known ones */
    public static EmphasisMode named(String label) {
        return Arrays.stream(values())
                .filter(mode -> mode.label.equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown emphasis mode \"%s\"; known are %s"
                        .formatted(
                                label,
                                String.join(
                                        ", ",
                                        Arrays.stream(values())
                                                .map(EmphasisMode::label)
                                                .toList()))));
    }

    List<PromptSegment> segments(String text) {
        return this == NONE ? List.of(new PromptSegment(text, 1)) : PromptSegment.parse(text);
    }

    /**
     * Weighs encoded tokens in place.
     *
     * @param encoded the same window of all texts that a run switches between: the mean is theirs together
     * @param weights of each token of each text
     */
    void weigh(List<float[]> encoded, List<List<Float>> weights) {
        if (this == NONE || this == IGNORE) {
            return;
        }
        double before = sum(encoded);
        for (int i = 0; i < encoded.size(); i++) {
            float[] values = encoded.get(i);
            int width = values.length / weights.get(i).size();
            for (int j = 0; j < values.length; j++) {
                values[j] *= weights.get(i).get(j / width);
            }
        }
        if (this == ORIGINAL) {
            float factor = (float) (before / sum(encoded));
            for (float[] values : encoded) {
                for (int j = 0; j < values.length; j++) {
                    values[j] *= factor;
                }
            }
        }
    }

    private static double sum(List<float[]> arrays) {
        double sum = 0;
        for (float[] values : arrays) {
            for (float value : values) {
                sum += value;
            }
        }
        return sum;
    }
}
