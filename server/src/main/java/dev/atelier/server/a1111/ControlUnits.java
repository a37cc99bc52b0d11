package dev.atelier.server.a1111;

import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.ControlPasses;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.worker.ControlPicture;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The units of the ControlNet extension in {@code alwayson_scripts}, as its clients write them. */
final class ControlUnits {
    private ControlUnits() {}

    static List<ControlPicture> of(@Nullable JsonNode scripts, EncodedImages images) throws IOException {
        List<ControlPicture> controls = new ArrayList<>();
        if (scripts == null) {
            return controls;
        }
        for (var script : scripts.properties()) {
            if (script.getKey().equalsIgnoreCase("controlnet")) {
                for (JsonNode unit : script.getValue().path("args")) {
                    if (unit.isObject()
                            && unit.path("enabled").asBoolean(true)
                            && !net(unit).equals("None")) {
                        controls.add(control(unit, images));
                    }
                }
            }
        }
        return controls;
    }

    private static String net(JsonNode unit) {
        return text(unit, "model").orElse("None");
    }

    private static ControlPicture control(JsonNode unit, EncodedImages images) throws IOException {
        String image = image(unit);
        Optional<String> region = text(unit, "effective_region_mask").filter(mask -> !mask.isEmpty());
        try {
            return new ControlPicture(
                    net(unit),
                    image == null ? null : images.store(image),
                    Extraction.named(text(unit, "module").orElse("")),
                    unit.path("weight").asDouble(1),
                    unit.path("guidance_start").asDouble(0),
                    unit.path("guidance_end").asDouble(1),
                    mode(unit),
                    resizeMode(unit.path("resize_mode")),
                    region.isPresent() ? images.store(region.get()) : null,
                    layers(unit.path("advanced_weighting")),
                    passes(unit.path("hr_option").asString("")),
                    thresholds(unit));
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
    }

    /** Under its names of the years; some clients put it into an object beside a mask. */
    private static @Nullable String image(JsonNode unit) {
        for (String name : List.of("image", "input_image")) {
            JsonNode given = unit.path(name);
            JsonNode image = given.isObject() ? given.path("image") : given;
            if (image.isString() && !image.stringValue().isEmpty()) {
                return image.stringValue();
            }
        }
        return null;
    }

    private static Optional<String> text(JsonNode unit, String name) {
        return Optional.of(unit.path(name)).filter(JsonNode::isString).map(JsonNode::stringValue);
    }

    private static ControlMode mode(JsonNode unit) {
        JsonNode mode = unit.path("control_mode");
        if (mode.isNumber()) {
            return List.of(ControlMode.values()).get(Math.clamp(mode.intValue(), 0, ControlMode.values().length - 1));
        }
        if (unit.path("guess_mode").asBoolean(false) || unit.path("guessmode").asBoolean(false)) {
            return ControlMode.CONTROL;
        }
        return Arrays.stream(ControlMode.values())
                .filter(known -> known.label().equals(mode.asString("")))
                .findFirst()
                .orElse(ControlMode.BALANCED);
    }

    private static List<Double> layers(JsonNode strengths) {
        List<Double> layers = new ArrayList<>();
        strengths.forEach(strength -> layers.add(strength.asDouble(1)));
        return layers;
    }

    /** What is below 0, or not given, is the usual. */
    private static List<Double> thresholds(JsonNode unit) {
        double a = unit.path("threshold_a").asDouble(-1);
        double b = unit.path("threshold_b").asDouble(-1);
        if (a < 0) {
            return List.of();
        }
        return b < 0 ? List.of(a) : List.of(a, b);
    }

    private static ControlPasses passes(String label) {
        return Arrays.stream(ControlPasses.values())
                .filter(passes -> passes.label().equals(label))
                .findFirst()
                .orElse(ControlPasses.BOTH);
    }

    private static ResizeMode resizeMode(JsonNode mode) {
        if (mode.isNumber()) {
            return List.of(ResizeMode.JUST_RESIZE, ResizeMode.CROP_AND_RESIZE, ResizeMode.RESIZE_AND_FILL)
                    .get(Math.clamp(mode.intValue(), 0, 2));
        }
        String label = mode.asString("");
        return Stream.of(ResizeMode.JUST_RESIZE, ResizeMode.RESIZE_AND_FILL)
                .filter(known -> known.label().equalsIgnoreCase(label))
                .findFirst()
                .orElse(ResizeMode.CROP_AND_RESIZE);
    }
}
