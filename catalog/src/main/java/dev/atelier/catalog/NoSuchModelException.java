package dev.atelier.catalog;

import java.util.List;
import java.util.stream.Collectors;

/** A name or hash that no model has, or that several have. The message says what was probably meant. */
public final class NoSuchModelException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final transient List<String> suggestions;

    NoSuchModelException(String message, List<String> suggestions) {
        super(message);
        this.suggestions = List.copyOf(suggestions);
    }

    static NoSuchModelException unknown(String name, List<String> near) {
        return new NoSuchModelException(
                near.isEmpty()
                        ? "no model is called \"%s\"".formatted(name)
                        : "no model is called \"%s\"; did you mean %s?".formatted(name, quoted(near, " or ")),
                near);
    }

    static NoSuchModelException ambiguous(String name, List<String> names) {
        return new NoSuchModelException(
                "\"%s\" could be any of %s; give more of the name".formatted(name, quoted(names, ", ")), names);
    }

    private static String quoted(List<String> names, String between) {
        return names.stream().map("\"%s\""::formatted).collect(Collectors.joining(between));
    }

    /** Names that exist. */
    public List<String> suggestions() {
        return suggestions;
    }
}
