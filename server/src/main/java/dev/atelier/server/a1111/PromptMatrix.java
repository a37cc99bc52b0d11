package dev.atelier.server.a1111;

import dev.atelier.diffusion.ContactSheet;
import dev.atelier.diffusion.ScriptText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/** A prompt whose parts behind bars are there or not, in all combinations. */
final class PromptMatrix {
    static final List<ScriptArgument> ARGUMENTS = List.of(
            ScriptArgument.check("Put variable parts at start of prompt", false),
            ScriptArgument.check("Use different seed for each picture", false),
            ScriptArgument.choice("Select prompt", "positive", List.of("positive", "negative")),
            ScriptArgument.choice("Select joining char", "comma", List.of("comma", "space")),
            ScriptArgument.slider("Grid margins (px)", 0, 0, 500, 2));

    private PromptMatrix() {}

    static Script script(ObjectNode body, ScriptArguments arguments) {
        boolean isAtStart = arguments.isTrue(0);
        boolean hasOtherSeeds = arguments.isTrue(1);
        String field = arguments.text(2).equals("negative") ? "negative_prompt" : "prompt";
        String delimiter = arguments.text(3).equals("space") ? " " : ", ";
        List<String> parts = ScriptText.parts(body.path(field).asString(""));
        int more = parts.size() - 1;
        if (more > 8) {
            throw new IllegalArgumentException("a prompt matrix has at most 8 parts behind the first");
        }
        List<Script.Cell> cells = new ArrayList<>();
        for (int bits = 0; bits < 1 << more; bits++) {
            List<String> chosen = chosen(parts, bits);
            chosen.add(isAtStart ? chosen.size() : 0, parts.getFirst());
            ObjectNode one = body.deepCopy()
                    .put(field, String.join(delimiter, chosen))
                    .put("batch_size", 1)
                    .put("n_iter", 1);
            cells.add(new Script.Cell(
                    bits, hasOtherSeeds ? one.put("seed", body.path("seed").asLong() + bits) : one));
        }
        int across = 1 << ((more + 1) / 2);
        List<String> columns = IntStream.range(0, across)
                .mapToObj(bits -> String.join(", ", chosen(parts, bits)))
                .toList();
        List<String> rows = IntStream.range(0, (1 << more) / across)
                .mapToObj(bits -> String.join(", ", chosen(parts, bits * across)))
                .toList();
        int margin = arguments.onSlider(4);
        return new Script(
                cells,
                false,
                pictures -> List.of(new ContactSheet(columns, rows, pictures, margin).draw()),
                true,
                Map.of("Script", "Prompt matrix"));
    }

    private static List<String> chosen(List<String> parts, int bits) {
        List<String> chosen = new ArrayList<>();
        for (int i = 1; i < parts.size(); i++) {
            if (((bits >> (i - 1)) & 1) == 1) {
                chosen.add(parts.get(i));
            }
        }
        return chosen;
    }
}
