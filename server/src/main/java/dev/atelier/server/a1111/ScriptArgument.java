package dev.atelier.server.a1111;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What AUTOMATIC1111 says of an argument of a script.
 *
 * @param label on its page
 * @param value where nothing is given
 * @param step between {@code minimum} and {@code maximum}; null for what is no slider, like these
 * @param choices null for what is chosen from no menu
 */
record ScriptArgument(
        String label,
        @Nullable Object value,
        @Nullable Number minimum,
        @Nullable Number maximum,
        @Nullable Number step,
        @Nullable List<String> choices) {

    static ScriptArgument check(String label, boolean value) {
        return new ScriptArgument(label, value, null, null, null, null);
    }

    static ScriptArgument text(String label, String value) {
        return new ScriptArgument(label, value, null, null, null, null);
    }

    static ScriptArgument slider(String label, Number value, Number minimum, Number maximum, Number step) {
        return new ScriptArgument(label, value, minimum, maximum, step, null);
    }

    static ScriptArgument choice(String label, String value, List<String> choices) {
        return new ScriptArgument(label, value, null, null, null, choices);
    }

    /** Several of a menu, which is empty until another argument says which. */
    static ScriptArgument choices(String label) {
        return new ScriptArgument(label, null, null, null, null, List.of());
    }
}
