package dev.atelier.server.a1111;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.Outpainting;
import java.awt.image.BufferedImage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a request is drawn as that names one of AUTOMATIC1111's scripts: several requests, one after the other.
 *
 * @param cells the requests, in the order in which they are drawn
 * @param isLoop whether each starts from the picture of the one before it
 * @param sheets makes what stands in the answer before the pictures, of the first picture of each cell, in order of their
 *     places
 * @param keepsPictures whether they are in the answer themselves
 * @param parameters what infotext says of a sheet besides
 */
record Script(List<Cell> cells, boolean isLoop, Sheets sheets, boolean keepsPictures, Map<String, String> parameters) {
    static final int MOST_PICTURES = 1000;

    // by the names that the API knows them by
    private static final String PROMPT_MATRIX = "prompt matrix";
    private static final String PROMPTS_FROM_TEXT = "prompts from file or textbox";
    private static final String XYZ_PLOT = "x/y/z plot";
    private static final String LOOPBACK = "loopback";
    private static final String SD_UPSCALE = "sd upscale"; // a setting of one request, not several
    private static final String CONTROLNET = "controlnet";

    /** Settings of any request, in a field of their own. */
    private static final Set<String> ALWAYS_ON = Set.of(CONTROLNET, SoftInpaintingScript.NAME);

    /** @param place where its pictures belong in the answer, from 0 */
    record Cell(int place, ObjectNode body) {}

    @FunctionalInterface
    interface Sheets {
        List<BufferedImage> of(List<BufferedImage> pictures);
    }

    /**
     * The script that a request names.
     *
     * @throws IllegalArgumentException if there is none of this name, or if its arguments cannot be used
     */
    static Optional<Script> of(Values values) {
        String name = name(values);
        if (name.isEmpty()
                || name.equals("none")
                || isSdUpscale(values)
                || OutpaintingScript.method(values).isPresent()) {
            return Optional.empty();
        }
        boolean fromPicture = values.isKnown("init_images");
        ObjectNode body = ((ObjectNode) values.given()).deepCopy();
        body.remove(List.of("script_name", "script_args"));
        List<ScriptArgument> declared = arguments(fromPicture, List.of()).get(name);
        if (declared == null || ALWAYS_ON.contains(name)) {
            throw new IllegalArgumentException("Script '%s' not found".formatted(values.textOrEmpty("script_name")));
        }
        ScriptArguments arguments = ScriptArguments.of(declared, values.json("script_args"));
        return Optional.of(
                switch (name) {
                    case PROMPT_MATRIX -> PromptMatrix.script(seeded(body), arguments);
                    case PROMPTS_FROM_TEXT -> PromptsFromText.script(body, arguments);
                    case XYZ_PLOT -> XyzPlot.script(body, arguments, fromPicture);
                    default -> Loopback.script(seeded(body), arguments);
                });
    }

    /** Names and arguments of the scripts of a page. */
    private static Map<String, List<ScriptArgument>> arguments(boolean fromPicture, List<String> upscalers) {
        Map<String, List<ScriptArgument>> arguments = new LinkedHashMap<>();
        if (fromPicture) {
            arguments.put(LOOPBACK, Loopback.ARGUMENTS);
            for (Outpainting.Method method : Outpainting.Method.values()) {
                arguments.put(OutpaintingScript.name(method), OutpaintingScript.arguments(method));
            }
        }
        arguments.put(PROMPT_MATRIX, PromptMatrix.ARGUMENTS);
        arguments.put(PROMPTS_FROM_TEXT, PromptsFromText.ARGUMENTS);
        if (fromPicture) {
            arguments.put(SD_UPSCALE, sdUpscale(upscalers));
        }
        arguments.put(XYZ_PLOT, XyzPlot.arguments(fromPicture));
        arguments.put(CONTROLNET, List.of());
        if (fromPicture) {
            arguments.put(SoftInpaintingScript.NAME, SoftInpaintingScript.ARGUMENTS);
        }
        return arguments;
    }

    /** @param upscalers the names of those of pixels */
    static List<ScriptArgument> sdUpscale(List<String> upscalers) {
        return List.of(
                ScriptArgument.text("", "Makes the picture larger, and draws it over in tiles of width × height."),
                ScriptArgument.slider("Tile overlap", 64, 0, 256, 16),
                ScriptArgument.choice("Upscaler", upscalers.isEmpty() ? "" : upscalers.getFirst(), upscalers),
                ScriptArgument.slider("Scale Factor", 2, 1, 4, 0.05));
    }

    /** {@code /sdapi/v1/scripts}. */
    static Map<String, Set<String>> names() {
        return Map.of(
                "txt2img", arguments(false, List.of()).keySet(),
                "img2img", arguments(true, List.of()).keySet());
    }

    /** {@code /sdapi/v1/script-info}, first the scripts of txt2img, then those of img2img. */
    static List<Map<String, Object>> infos(List<String> upscalers) {
        return Stream.of(false, true)
                .flatMap(fromPicture -> arguments(fromPicture, upscalers).entrySet().stream()
                        .map(script -> Map.<String, Object>of(
                                "name", script.getKey(),
                                "is_alwayson", ALWAYS_ON.contains(script.getKey()),
                                "is_img2img", fromPicture,
                                "args", script.getValue())))
                .toList();
    }

    private static String name(Values values) {
        return values.textOrEmpty("script_name").strip().toLowerCase(Locale.ROOT);
    }

    /** Whether a picture is to be drawn over in tiles. */
    static boolean isSdUpscale(Values values) {
        return values.isKnown("init_images") && name(values).equals(SD_UPSCALE);
    }

    static ObjectNode seeded(ObjectNode body) {
        if (body.path("seed").asLong(-1) == -1) {
            body.put("seed", GenerationRequest.randomSeed());
        }
        return body;
    }
}
