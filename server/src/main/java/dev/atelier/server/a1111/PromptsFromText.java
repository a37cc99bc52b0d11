package dev.atelier.server.a1111;

import dev.atelier.diffusion.ScriptText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** A request for each line. */
final class PromptsFromText {
    static final List<ScriptArgument> ARGUMENTS = List.of(
            ScriptArgument.check("Iterate seed every line", false),
            ScriptArgument.check("Use same random seed for all lines", false),
            ScriptArgument.choice("Insert prompts at the", "start", List.of("start", "end")),
            ScriptArgument.text("List of prompt inputs", ""));

    private static final Set<String> WHOLE = Set.of(
            "seed",
            "subseed",
            "seed_resize_from_h",
            "seed_resize_from_w",
            "batch_size",
            "n_iter",
            "steps",
            "width",
            "height");
    private static final Set<String> NUMBERS = Set.of("subseed_strength", "cfg_scale");
    private static final Set<String> SWITCHES =
            Set.of("restore_faces", "tiling", "do_not_save_samples", "do_not_save_grid");
    private static final Set<String> TEXTS = Set.of("prompt", "negative_prompt", "sampler_name");

    private PromptsFromText() {}

    static Script script(ObjectNode body, ScriptArguments arguments) {
        boolean countsSeeds = arguments.isTrue(0);
        boolean sharesSeed = arguments.isTrue(1);
        boolean hasPlace = arguments.size() > 3; // before version 1.7 there was none for the prompt
        boolean isBefore = hasPlace && arguments.text(2).equals("start");
        List<String> lines = arguments
                .json(hasPlace ? 3 : 2)
                .asString("")
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        if (lines.isEmpty() || lines.size() > Script.MOST_PICTURES) {
            throw new IllegalArgumentException(
                    "script_args: 1 to %d lines with a prompt each".formatted(Script.MOST_PICTURES));
        }
        ObjectNode common = countsSeeds || sharesSeed ? Script.seeded(body) : body;
        long each = common.path("batch_size").asLong(1) * common.path("n_iter").asLong(1);
        List<Script.Cell> cells = new ArrayList<>();
        for (String line : lines) {
            ObjectNode one = common.deepCopy();
            if (countsSeeds) {
                one.put("seed", common.path("seed").asLong() + each * cells.size());
            }
            set(line, one, hasPlace, isBefore);
            cells.add(new Script.Cell(cells.size(), one));
        }
        return new Script(cells, false, _ -> List.of(), true, Map.of());
    }

    private static void set(String line, ObjectNode body, boolean hasPlace, boolean isBefore) {
        Map<String, String> tags = line.startsWith("--") ? tags(line) : Map.of("prompt", line);
        tags.forEach((name, value) -> {
            String given = body.path(name).asString("");
            if (name.equals("sd_model")) {
                ObjectNode settings = body.path("override_settings") instanceof ObjectNode old
                        ? old
                        : body.putObject("override_settings");
                settings.put(Options.CHECKPOINT, value);
            } else if (WHOLE.contains(name)) {
                body.put(name, Long.parseLong(value));
            } else if (NUMBERS.contains(name)) {
                body.put(name, Double.parseDouble(value));
            } else if (SWITCHES.contains(name)) {
                body.put(name, value.equals("true"));
            } else if (!TEXTS.contains(name)) {
                throw new IllegalArgumentException("unknown commandline option: --" + name);
            } else if (hasPlace && name.endsWith("prompt") && !given.isEmpty()) {
                body.put(name, isBefore ? value + " " + given : given + " " + value);
            } else {
                body.put(name, value);
            }
        });
    }

    private static Map<String, String> tags(String line) {
        Map<String, String> tags = new LinkedHashMap<>();
        String name = "";
        for (String word : ScriptText.words(line)) {
            if (word.startsWith("--")) {
                name = word.substring(2);
                tags.put(name, "");
            } else {
                tags.merge(name, word, (before, more) -> before.isEmpty() ? more : before + " " + more);
            }
        }
        return tags;
    }
}
