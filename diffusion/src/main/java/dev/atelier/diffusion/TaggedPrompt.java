package dev.atelier.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A prompt whose tags are taken out of its text.
 *
 * @param tags in order, of any type
 */
record TaggedPrompt(String text, List<PromptTag> tags) {
    private static final Pattern TAG = Pattern.compile("<(\\w+):([^>]+)>", Pattern.UNICODE_CHARACTER_CLASS);

    static TaggedPrompt of(String prompt) {
        List<PromptTag> tags = new ArrayList<>();
        int end = prompt.lastIndexOf('>')
                + 1; // behind it none ends, which each of them would be read for to the last letter
        Matcher tag = TAG.matcher(prompt.substring(0, end));
        while (tag.find()) {
            tags.add(PromptTag.of(tag.group(1), tag.group(2)));
        }
        return new TaggedPrompt(
                tags.isEmpty() ? prompt : tag.replaceAll("") + prompt.substring(end), List.copyOf(tags));
    }
}
