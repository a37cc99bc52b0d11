package dev.atelier.server.novita;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** LoRAs that requests name: version 3 in a list, version 2 as {@code <lora:NAME:WEIGHT>} in the prompt. */
final class LoraNames {
    static final int MAX = 5;

    private static final Pattern TAG = Pattern.compile("<lora:([^:<>]+)(?::([^:<>]*))?>");

    private LoraNames() {}

    /** @param name of a model of the shelf */
    record Lora(String name, double weight) {}

    static List<Lora> ofList(Fields request, ModelNames models) {
        List<Lora> loras = new ArrayList<>();
        for (Fields lora : request.objects("loras", MAX)) {
            String strength = lora.has("strenth") ? "strenth" : "strength"; // so it is spelled in the Python client
            String name = lora.requiredText("model_name", 500);
            loras.add(new Lora(models.lora(lora.path("model_name"), name), lora.number(strength, 0, 1, 1)));
        }
        return loras;
    }

    static List<Lora> ofPrompt(String prompt, ModelNames models) {
        return TAG.matcher(prompt).results().map(tag -> lora(tag, models)).toList();
    }

    private static Lora lora(MatchResult tag, ModelNames models) {
        String name = models.lora("prompt", tag.group(1).strip());
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

    static String withoutTags(String prompt) {
        Matcher matcher = TAG.matcher(prompt);
        return matcher.find() ? matcher.replaceAll("").strip() : prompt;
    }

    /** The model with its LoRAs, as an expression. */
    static String expression(String model, List<Lora> loras) {
        if (loras.isEmpty()) {
            return model;
        }
        StringBuilder expression = new StringBuilder("lora(").append(quoted(model));
        for (Lora lora : loras) {
            expression.append(String.format(Locale.ROOT, ", %s:%s", quoted(lora.name()), plain(lora.weight())));
        }
        return expression.append(')').toString();
    }

    private static String plain(double weight) {
        return BigDecimal.valueOf(weight).toPlainString();
    }

    private static String quoted(String name) {
        return name.contains("\"") ? "'" + name + "'" : "\"" + name + "\"";
    }
}
