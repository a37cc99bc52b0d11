package dev.atelier.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Words of a prompt that are hardly meant as words: names of embeddings that are not there. A text cannot tell for sure,
 * so they are told to the user and read as text.
 */
final class MissingEmbeddings {
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_.:-]+");

    /** How people call embeddings: EasyNegative, x-neg, bad-hands-5, badhandv4, NG_x_75T, and ComfyUI's prefix. */
    private static final Pattern NAME = Pattern.compile(
            "embedding:(?<name>.+)|.*\\p{L}.*negative.*|.*negative[^,]*[\\p{L}\\p{N}].*|.+[-_]neg\\d*"
                    + "|(?:very)?bad[-_]?\\p{L}+(?:[-_]?v\\d[\\d.-]*|[-_]\\d+|[-_]?version\\d*)|.+[-_]\\d+[tv]"
                    + "|(?:bad|unrealistic)dream|unaestheticxl\\w*|bad-artist(?:-anime)?",
            Pattern.CASE_INSENSITIVE);

    private MissingEmbeddings() {}

    /** The names in a prompt that none of {@code known} has, in order, each once however it is capitalised. */
    static List<String> named(String prompt, Embeddings known) {
        List<String> missing = new ArrayList<>();
        for (PromptSegment segment : PromptSegment.parse(prompt)) {
            Matcher word = WORD.matcher(segment.text());
            while (word.find()) {
                Matcher name = NAME.matcher(word.group());
                if (name.matches()
                        && !known.begin(word.group())
                        && missing.stream().noneMatch(word.group()::equalsIgnoreCase)) {
                    missing.add(word.group());
                }
            }
        }
        return missing;
    }
}
