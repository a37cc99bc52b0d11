package dev.atelier.server.a1111;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ScriptText;
import dev.atelier.server.db.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What may change along an axis of AUTOMATIC1111's X/Y/Z plot.
 *
 * @param label its name there
 * @param kind what its values are
 * @param target the field that it changes, or behind {@code settings:} the setting; null if it changes nothing here
 */
record Axis(String label, Kind kind, @Nullable String target) {
    private static final String SETTINGS = "settings:";
    private static final int MOST_PERMUTED = 6;

    enum Kind {
        NOTHING,
        WHOLE,
        NUMBER,
        /** Yes or no. */
        SWITCH,
        /** One of a menu, from which values are chosen. */
        CHOICE,
        TEXT,
        /** Replaces the first value in prompt and negative prompt. */
        REPLACEMENT,
        /** Words of the prompt in all orders. */
        ORDER,
        STYLES,
        SIZE
    }

    private static final List<Axis> ALL = List.of(
            new Axis("Nothing", Kind.NOTHING, null),
            new Axis("Seed", Kind.WHOLE, "seed"),
            new Axis("Var. seed", Kind.WHOLE, "subseed"),
            new Axis("Var. strength", Kind.NUMBER, "subseed_strength"),
            new Axis("Steps", Kind.WHOLE, "steps"),
            new Axis("Hires steps", Kind.WHOLE, "hr_second_pass_steps"),
            new Axis("CFG Scale", Kind.NUMBER, "cfg_scale"),
            new Axis("Image CFG Scale", Kind.NUMBER, "image_cfg_scale"),
            new Axis("Prompt S/R", Kind.REPLACEMENT, "prompt"),
            new Axis("Prompt order", Kind.ORDER, "prompt"),
            new Axis("Sampler", Kind.CHOICE, "sampler_name"),
            new Axis("Hires sampler", Kind.CHOICE, "hr_sampler_name"),
            new Axis("Checkpoint name", Kind.CHOICE, SETTINGS + Options.CHECKPOINT),
            new Axis("Negative Guidance minimum sigma", Kind.NUMBER, "s_min_uncond"),
            new Axis("Sigma Churn", Kind.NUMBER, "s_churn"),
            new Axis("Sigma min", Kind.NUMBER, "s_tmin"),
            new Axis("Sigma max", Kind.NUMBER, "s_tmax"),
            new Axis("Sigma noise", Kind.NUMBER, "s_noise"),
            new Axis("Schedule type", Kind.CHOICE, "scheduler"),
            new Axis("Schedule min sigma", Kind.NUMBER, SETTINGS + "sigma_min"),
            new Axis("Schedule max sigma", Kind.NUMBER, SETTINGS + "sigma_max"),
            new Axis("Schedule rho", Kind.NUMBER, SETTINGS + "rho"),
            new Axis("Beta schedule alpha", Kind.NUMBER, SETTINGS + "beta_dist_alpha"),
            new Axis("Beta schedule beta", Kind.NUMBER, SETTINGS + "beta_dist_beta"),
            new Axis("Eta", Kind.NUMBER, "eta"),
            new Axis("Clip skip", Kind.WHOLE, SETTINGS + "CLIP_stop_at_last_layers"),
            new Axis("Denoising", Kind.NUMBER, "denoising_strength"),
            new Axis("Initial noise multiplier", Kind.NUMBER, "initial_noise_multiplier"),
            new Axis("Extra noise", Kind.NUMBER, SETTINGS + "img2img_extra_noise"),
            new Axis("Hires upscaler", Kind.CHOICE, "hr_upscaler"),
            new Axis("Cond. Image Mask Weight", Kind.NUMBER, SETTINGS + "inpainting_mask_weight"),
            new Axis("VAE", Kind.CHOICE, SETTINGS + "sd_vae"),
            new Axis("Styles", Kind.STYLES, "styles"),
            new Axis("UniPC Order", Kind.WHOLE, SETTINGS + "uni_pc_order"),
            new Axis("Face restore", Kind.TEXT, null),
            new Axis("Token merging ratio", Kind.NUMBER, SETTINGS + "token_merging_ratio"),
            new Axis("Token merging ratio high-res", Kind.NUMBER, SETTINGS + "token_merging_ratio_hr"),
            new Axis("Always discard next-to-last sigma", Kind.SWITCH, SETTINGS + "always_discard_next_to_last_sigma"),
            new Axis("SGM noise multiplier", Kind.SWITCH, SETTINGS + "sgm_noise_multiplier"),
            new Axis("Refiner checkpoint", Kind.CHOICE, "refiner_checkpoint"),
            new Axis("Refiner switch at", Kind.NUMBER, "refiner_switch_at"),
            new Axis("RNG source", Kind.CHOICE, SETTINGS + "randn_source"),
            new Axis("FP8 mode", Kind.CHOICE, null),
            new Axis("Size", Kind.SIZE, "width"));

    private static final Set<String> ONLY_TXT2IMG = Set.of("Hires steps", "Hires sampler", "Hires upscaler");
    private static final Set<String> ONLY_IMG2IMG = Set.of("Image CFG Scale", "Cond. Image Mask Weight");

    /** Those of a page, in its order. */
    static List<Axis> menu(boolean fromPicture) {
        Set<String> others = fromPicture ? ONLY_TXT2IMG : ONLY_IMG2IMG;
        return ALL.stream().filter(axis -> !others.contains(axis.label)).toList();
    }

    /**
     * By its number in the menu of its page.
     *
     * @throws IllegalArgumentException if there is none, or if it changes nothing here
     */
    static Axis numbered(long number, boolean fromPicture) {
        List<Axis> menu = menu(fromPicture);
        if (number < 0 || number >= menu.size()) {
            throw new IllegalArgumentException(
                    "there is no axis %d; they are numbered to %d".formatted(number, menu.size() - 1));
        }
        Axis axis = menu.get((int) number);
        if (axis.target == null && axis.kind != Kind.NOTHING) {
            throw new IllegalArgumentException("an axis of \"%s\" would change nothing here".formatted(axis.label));
        }
        return axis;
    }

    /** Whether a change of it makes another model load. */
    boolean loads() {
        return kind == Kind.CHOICE
                && (label.endsWith("heckpoint name") || label.equals("VAE") || label.equals("Refiner checkpoint"));
    }

    /**
     * Its values, one for each picture.
     *
     * @param typed between commas
     * @param chosen from the menu
     */
    List<String> values(String typed, List<String> chosen) {
        if (kind == Kind.NOTHING) {
            return List.of("");
        }
        boolean isChosen = (kind == Kind.CHOICE || kind == Kind.SWITCH || kind == Kind.STYLES) && !chosen.isEmpty();
        List<String> values = isChosen ? chosen : ScriptText.values(typed);
        return switch (kind) {
            case WHOLE, NUMBER ->
                values.stream()
                        .filter(value -> !value.isEmpty())
                        .flatMap(value -> ScriptText.range(value, kind == Kind.WHOLE).stream())
                        .toList();
            case ORDER ->
                permutations(values).stream()
                        .map(order -> String.join(", ", order))
                        .toList();
            default -> values;
        };
    }

    /** In the order of Python's {@code permutations}. */
    private static List<List<String>> permutations(List<String> words) {
        if (words.size() > MOST_PERMUTED) {
            throw new IllegalArgumentException("at most %d words are put into all orders".formatted(MOST_PERMUTED));
        }
        if (words.isEmpty()) {
            return List.of(List.of());
        }
        List<List<String>> orders = new ArrayList<>();
        for (int i = 0; i < words.size(); i++) {
            List<String> others = new ArrayList<>(words);
            String first = others.remove(i);
            for (List<String> rest : permutations(others)) {
                List<String> order = new ArrayList<>(List.of(first));
                order.addAll(rest);
                orders.add(order);
            }
        }
        return orders;
    }

    /** What stands beside the pictures. */
    String label(String value) {
        return switch (kind) {
            case NOTHING -> "";
            case REPLACEMENT, ORDER -> value;
            case CHOICE -> target != null && target.startsWith("sampler") ? value : label + ": " + value;
            default -> label + ": " + value;
        };
    }

    /**
     * Changes a request.
     *
     * @param values all of the axis, of which the first is what others replace
     */
    void apply(ObjectNode body, String value, List<String> values) {
        switch (kind) {
            case NOTHING -> {
                // then all pictures are alike
            }
            case WHOLE -> {
                long number = Long.parseLong(value);
                put(body, "seed".equals(target) && number == -1 ? GenerationRequest.randomSeed() : number);
            }
            case NUMBER -> put(body, Double.parseDouble(value));
            case SWITCH -> put(body, value.equalsIgnoreCase("true"));
            case CHOICE, TEXT -> put(body, value);
            case REPLACEMENT -> replace(body, values.getFirst(), value);
            case ORDER -> body.put("prompt", ordered(body.path("prompt").asString(""), List.of(value.split(", "))));
            case STYLES -> {
                ArrayNode styles = body.path("styles") instanceof ArrayNode given ? given : body.putArray("styles");
                ScriptText.values(value).forEach(styles::add);
            }
            case SIZE -> {
                String[] sides = value.split("x", 2);
                body.put("width", Long.parseLong(sides[0].strip()));
                body.put("height", Long.parseLong(sides[sides.length - 1].strip()));
            }
        }
    }

    private void put(ObjectNode body, Object value) {
        String name = String.valueOf(target);
        boolean isSetting = name.startsWith(SETTINGS);
        ObjectNode object = !isSetting
                ? body
                : body.path("override_settings") instanceof ObjectNode given
                        ? given
                        : body.putObject("override_settings");
        object.set(isSetting ? name.substring(SETTINGS.length()) : name, Json.MAPPER.valueToTree(value));
    }

    private static void replace(ObjectNode body, String searched, String value) {
        boolean isFound = false;
        for (String field : List.of("prompt", "negative_prompt")) {
            String text = body.path(field).asString("");
            isFound |= text.contains(searched);
            body.put(field, text.replace(searched, value));
        }
        if (!isFound) {
            throw new IllegalArgumentException(
                    "Prompt S/R did not find %s in prompt or negative prompt.".formatted(searched));
        }
    }

    /** The words in this order, in the places where they stand. */
    private static String ordered(String prompt, List<String> order) {
        List<String> found = order.stream()
                .sorted((a, b) -> Integer.compare(prompt.indexOf(a), prompt.indexOf(b)))
                .toList();
        StringBuilder ordered = new StringBuilder();
        String rest = prompt;
        for (int i = 0; i < found.size(); i++) {
            int at = rest.indexOf(found.get(i));
            if (at < 0) {
                throw new IllegalArgumentException("the prompt does not have \"%s\"".formatted(found.get(i)));
            }
            ordered.append(rest, 0, at).append(order.get(i));
            rest = rest.substring(at + found.get(i).length());
        }
        return ordered + rest;
    }

    /** A menu's choice as it comes: a list, or one. */
    static List<String> chosen(JsonNode menu) {
        List<String> chosen = new ArrayList<>();
        (menu.isArray() ? menu : List.<JsonNode>of()).forEach(value -> chosen.add(value.asString("")));
        return menu.isString() && !menu.stringValue().isBlank() ? List.of(menu.stringValue()) : chosen;
    }
}
