package dev.atelier.server.a1111;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/** A request's arguments for a script, by their places; those left out are as {@code declared}. */
record ScriptArguments(List<ScriptArgument> declared, JsonNode given) {
    /** @param given null for none */
    static ScriptArguments of(List<ScriptArgument> declared, @Nullable JsonNode given) {
        return new ScriptArguments(declared, given == null ? MissingNode.getInstance() : given);
    }

    int size() {
        return given.size();
    }

    JsonNode json(int place) {
        return given.path(place);
    }

    String text(int place) {
        return json(place).asString(String.valueOf(declared.get(place).value()));
    }

    boolean isTrue(int place) {
        return json(place).asBoolean(Boolean.TRUE.equals(declared.get(place).value()));
    }

    int whole(int place) {
        return json(place).asInt(number(declared.get(place).value()).intValue());
    }

    /** A whole number that goes no further than its slider. */
    int onSlider(int place) {
        ScriptArgument slider = declared.get(place);
        return Math.clamp(
                whole(place),
                number(slider.minimum()).intValue(),
                number(slider.maximum()).intValue());
    }

    double number(int place) {
        return json(place).asDouble(number(declared.get(place).value()).doubleValue());
    }

    private static Number number(@Nullable Object value) {
        return value instanceof Number number ? number : 0;
    }
}
