package dev.atelier.server.a1111;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.Infotext;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.HttpError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The field {@code infotext}: what it says stands for the fields that a request leaves out. */
final class InfotextFields {
    private InfotextFields() {}

    /** Adds those fields to a body. */
    static JsonNode fill(JsonNode body) {
        String text = body.path("infotext").asString("");
        if (!(body instanceof ObjectNode fields) || text.isBlank()) {
            return body;
        }
        try {
            add(Infotext.parse(text), fields);
        } catch (IllegalArgumentException e) {
            throw HttpError.of(422, e);
        }
        return fields;
    }

    private static void add(Infotext infotext, ObjectNode fields) {
        GenerationRequest request = infotext.request();
        put(fields, "prompt", infotext.prompt());
        put(fields, "negative_prompt", infotext.negativePrompt());
        if (infotext.parameters().isEmpty()) {
            return;
        }
        put(fields, "steps", request.steps());
        put(fields, "sampler_name", request.sampler().name().label());
        put(fields, "scheduler", request.sampler().scheduler().label());
        put(fields, "cfg_scale", request.cfgScale());
        put(fields, "seed", request.seed());
        put(fields, "width", request.width());
        put(fields, "height", request.height());
        put(fields, "subseed", request.variation().seed());
        put(fields, "subseed_strength", request.variation().strength());
        HiresFix hires = request.hiresFix();
        if (hires != null) {
            put(fields, "enable_hr", true);
            put(fields, "hr_scale", hires.scale());
            put(fields, "hr_resize_x", hires.width());
            put(fields, "hr_resize_y", hires.height());
            put(fields, "hr_upscaler", hires.upscaler().label());
            put(fields, "hr_second_pass_steps", hires.steps());
            put(fields, "denoising_strength", hires.denoisingStrength());
            put(fields, "hr_checkpoint_name", infotext.parameters().getOrDefault("Hires checkpoint", ""));
        }
    }

    private static void put(ObjectNode fields, String name, Object value) {
        if (!fields.has(name)) {
            fields.set(name, Json.MAPPER.valueToTree(value));
        }
    }
}
