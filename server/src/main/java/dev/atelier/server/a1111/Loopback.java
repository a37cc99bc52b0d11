package dev.atelier.server.a1111;

import dev.atelier.diffusion.ContactSheet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/** Each picture drawn over the one before it. */
final class Loopback {
    static final List<ScriptArgument> ARGUMENTS = List.of(
            ScriptArgument.slider("Loops", 4, 1, 32, 1),
            ScriptArgument.slider("Final denoising strength", 0.5, 0, 1, 0.01),
            ScriptArgument.choice("Denoising strength curve", "Linear", List.of("Aggressive", "Linear", "Lazy")),
            ScriptArgument.choice(
                    "Append interrogated prompt at each iteration", "None", List.of("None", "CLIP", "DeepBooru")));

    private Loopback() {}

    static Script script(ObjectNode body, ScriptArguments arguments) {
        int loops = arguments.onSlider(0);
        double last = arguments.number(1);
        String curve = arguments.text(2);
        if (!arguments.text(3).equals("None")) {
            throw new IllegalArgumentException("script_args: there is no model here that describes pictures");
        }
        if (body.path("n_iter").asInt(1) > 1) {
            throw new IllegalArgumentException("n_iter: a loopback is drawn once; ask for several");
        }
        double first = body.path("denoising_strength").asDouble(0.75);
        List<Script.Cell> cells = new ArrayList<>();
        for (int i = 0; i < loops; i++) {
            double progress = loops == 1 ? 0 : (double) i / (loops - 1);
            double share = switch (curve) {
                case "Aggressive" -> Math.sin(progress * Math.PI / 2);
                case "Lazy" -> 1 - Math.cos(progress * Math.PI / 2);
                default -> progress;
            };
            ObjectNode one = body.deepCopy()
                    .put("batch_size", 1)
                    .put("seed", body.path("seed").asLong() + i)
                    .put("denoising_strength", first + (last - first) * share);
            cells.add(new Script.Cell(i, i == 0 ? one : one.put("inpainting_fill", 1)));
        }
        return new Script(
                cells,
                true,
                pictures -> loops == 1
                        ? List.of()
                        : List.of(new ContactSheet(Collections.nCopies(loops, ""), List.of(""), pictures, 0).draw()),
                true,
                Map.of("Final denoising strength", Double.toString(last), "Denoising curve", curve));
    }
}
