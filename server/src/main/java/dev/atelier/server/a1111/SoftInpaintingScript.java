package dev.atelier.server.a1111;

import dev.atelier.diffusion.SoftInpainting;
import dev.atelier.server.http.HttpError;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The script "Soft inpainting" in {@code alwayson_scripts}. */
final class SoftInpaintingScript {
    static final String NAME = "soft inpainting";

    static final List<ScriptArgument> ARGUMENTS = List.of(
            ScriptArgument.check("Soft inpainting", false),
            ScriptArgument.slider("Schedule bias", SoftInpainting.DEFAULT.scheduleBias(), 0, 8, 0.1),
            ScriptArgument.slider("Preservation strength", SoftInpainting.DEFAULT.preservation(), 0, 8, 0.05),
            ScriptArgument.slider("Transition contrast boost", SoftInpainting.DEFAULT.contrastBoost(), 1, 32, 0.5),
            ScriptArgument.slider("Mask influence", SoftInpainting.DEFAULT.maskInfluence(), 0, 1, 0.05),
            ScriptArgument.slider("Difference threshold", SoftInpainting.DEFAULT.differenceThreshold(), 0, 8, 0.25),
            ScriptArgument.slider("Difference contrast", SoftInpainting.DEFAULT.differenceContrast(), 0, 8, 0.25));

    private SoftInpaintingScript() {}

    /** What a request asks for; null for nothing. */
    static @Nullable SoftInpainting of(@Nullable JsonNode scripts) {
        if (scripts == null) {
            return null;
        }
        for (var script : scripts.properties()) {
            ScriptArguments arguments =
                    ScriptArguments.of(ARGUMENTS, script.getValue().path("args"));
            if (script.getKey().equalsIgnoreCase(NAME) && arguments.isTrue(0)) {
                return settings(arguments);
            }
        }
        return null;
    }

    private static SoftInpainting settings(ScriptArguments arguments) {
        try {
            return new SoftInpainting(
                    arguments.number(1),
                    arguments.number(2),
                    arguments.number(3),
                    arguments.number(4),
                    arguments.number(5),
                    arguments.number(6));
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
    }
}
