package dev.atelier.server.a1111;

import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.Outpainting;
import dev.atelier.diffusion.Outpainting.Method;
import dev.atelier.diffusion.Outpainting.Side;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Two scripts that are a setting of one request. */
final class OutpaintingScript {
    private static final List<String> SIDES =
            Arrays.stream(Side.values()).map(Side::toString).toList();

    private static final ScriptArgument PIXELS = ScriptArgument.slider("Pixels to expand", 128, 8, 256, 8);
    private static final ScriptArgument DIRECTION =
            new ScriptArgument("Outpainting direction", SIDES, null, null, null, SIDES);

    private OutpaintingScript() {}

    static String name(Method method) {
        return method.label().toLowerCase(Locale.ROOT);
    }

    static List<ScriptArgument> arguments(Method method) {
        return switch (method) {
            case MK2 ->
                List.of(
                        ScriptArgument.text("", "Draws what lies beyond the edges, a side after the other."),
                        PIXELS,
                        ScriptArgument.slider("Mask blur", 8, 0, 64, 1),
                        DIRECTION,
                        ScriptArgument.slider("Fall-off exponent (lower=higher detail)", 1, 0, 4, 0.01),
                        ScriptArgument.slider("Color variation", 0.05, 0, 1, 0.01));
            case POOR_MANS ->
                List.of(
                        PIXELS,
                        ScriptArgument.slider("Mask blur", 4, 0, 64, 1),
                        ScriptArgument.choice(
                                "Masked content",
                                "fill",
                                Arrays.stream(MaskedContent.values())
                                        .map(MaskedContent::label)
                                        .toList()),
                        DIRECTION);
        };
    }

    /** Which of them a request names; none where it names another script or none. */
    static Optional<Method> method(Values values) {
        return Arrays.stream(Method.values())
                .filter(method -> values.isKnown("init_images")
                        && name(method)
                                .equals(values.textOrEmpty("script_name")
                                        .strip()
                                        .toLowerCase(Locale.ROOT)))
                .findFirst();
    }

    /** @throws IllegalArgumentException if an argument is out of range */
    static @Nullable Outpainting of(Values values) {
        return method(values)
                .map(method -> of(method, ScriptArguments.of(arguments(method), values.json("script_args"))))
                .orElse(null);
    }

    private static Outpainting of(Method method, ScriptArguments arguments) {
        return switch (method) {
            case MK2 ->
                new Outpainting(
                        method,
                        arguments.whole(1),
                        arguments.whole(2),
                        sides(arguments.json(3)),
                        arguments.number(4),
                        arguments.number(5),
                        MaskedContent.ORIGINAL);
            case POOR_MANS ->
                new Outpainting(
                        method,
                        arguments.whole(0),
                        arguments.whole(1),
                        sides(arguments.json(3)),
                        1,
                        0.05,
                        content(arguments));
        };
    }

    /** By its place in the menu, or its name there. */
    private static MaskedContent content(ScriptArguments arguments) {
        JsonNode given = arguments.json(2);
        List<MaskedContent> all = List.of(MaskedContent.values());
        return given.isNumber()
                ? all.get(Math.clamp(given.intValue(), 0, all.size() - 1))
                : all.stream()
                        .filter(content -> content.label().equals(arguments.text(2)))
                        .findFirst()
                        .orElse(MaskedContent.FILL);
    }

    private static Set<Side> sides(JsonNode given) {
        Set<Side> sides = EnumSet.noneOf(Side.class);
        given.forEach(side -> sides.add(Side.named(side.asString(""))));
        return given.isMissingNode() ? EnumSet.allOf(Side.class) : sides;
    }
}
