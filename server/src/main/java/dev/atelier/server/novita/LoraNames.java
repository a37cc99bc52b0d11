package dev.atelier.server.novita;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** LoRAs that requests name: version 3 in a list, version 2 as {@code <lora:NAME:WEIGHT>} in the prompt. */
final class LoraNames {
    static final int MAX = 5;

    private static final Pattern TAG = Pattern.compile("<lora:([^:<>]+)(?::([^:<>]*))?>");

    private LoraNames() {}

    /** @param name of a file, without folder and extension */
    record Lora(String name, double weight) {}

    static List<Lora> ofList(Fields request, ModelNames models) {
        List<Lora> loras = new ArrayList<>();
        for (Fields lora : request.objects("loras", MAX)) {
            String strength = lora.has("strenth") ? "strenth" : "strength"; // so it is spelled in the Python client
            String name = lora.requiredText("model_name", 500);
            loras.add(new Lora(models.stem(lora.path("model_name"), "LoRA", name), lora.number(strength, 0, 1, 1)));
        }
        return loras;
    }

    static List<Lora> ofPrompt(String prompt, ModelNames models) {
        return TAG.matcher(prompt).results().map(tag -> lora(tag, models)).toList();
    }

    private static Lora lora(MatchResult tag, ModelNames models) {
        String name = models.stem("prompt", "LoRA", tag.group(1).strip());
        if (tag.group(2) == null) {
            return new Lora(name, 1);
        }
        try {
            double weight = Double.parseDouble(tag.group(2).strip());
            if (Double.isFinite(weight)) {
                return new Lora(name, weight);
            }
        } catch (NumberFormatException _) {
            // said below
        }
        throw new ProblemException(Problem.INVALID, "prompt: \"%s\" has no number for a weight".formatted(tag.group()));
    }

    /** The prompt with the LoRAs as tags behind it, under the names by which they are found, in place of its own tags. */
    static String prompt(String prompt, List<Lora> loras) {
        StringBuilder tagged =
                new StringBuilder(TAG.matcher(prompt).replaceAll("").strip());
        for (Lora lora : loras) {
            tagged.append(" <lora:%s:%s>"
                    .formatted(lora.name(), BigDecimal.valueOf(lora.weight()).toPlainString()));
        }
        return tagged.toString();
    }
}
