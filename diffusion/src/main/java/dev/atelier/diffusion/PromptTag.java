package dev.atelier.diffusion;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What stands in angle brackets in a prompt, such as {@code <lora:style:0.6:unet=0.4>}.
 *
 * @param type the word before the first colon
 * @param positional what follows, between colons
 * @param named those of the form {@code name=value}
 */
public record PromptTag(String type, List<String> positional, Map<String, String> named) {
    public PromptTag {
        positional = List.copyOf(positional);
        named = Map.copyOf(named);
    }

    static PromptTag of(String type, String arguments) {
        List<String> positional = new ArrayList<>();
        Map<String, String> named = new LinkedHashMap<>();
        for (String argument : arguments.split(":", -1)) {
            String[] parts = argument.split("=", 3);
            if (parts.length == 2) {
                named.put(parts[0], parts[1]);
            } else {
                positional.add(argument);
            }
        }
        return new PromptTag(type, positional, named);
    }

    /** The argument at a position, or by its name, which counts more. */
    public Optional<String> argument(int position, String name) {
        return Optional.ofNullable(named.get(name))
                .or(() -> position < positional.size() ? Optional.of(positional.get(position)) : Optional.empty());
    }
}
