package dev.atelier.merge.lora;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of tensors in LoRA files, of all the generations that are found: kohya's, PEFT's, and three of diffusers'. All
 * become a network, a layer and a part.
 */
final class LoraNames {
    /** Network, layer with underscores, and part. */
    record Place(String network, String layer, String part) {}

    /** What follows the layer, longest first where one ends like another, and the part that it is. */
    private static final List<Map.Entry<String, String>> ENDINGS = List.of(
            Map.entry(".lora_linear_layer.up.weight", "lora_up"),
            Map.entry(".lora_linear_layer.down.weight", "lora_down"),
            Map.entry(".lora_up.weight", "lora_up"),
            Map.entry(".lora_down.weight", "lora_down"),
            Map.entry(".lora_mid.weight", "lora_mid"),
            Map.entry(".lora.up.weight", "lora_up"),
            Map.entry(".lora.down.weight", "lora_down"),
            Map.entry(".lora_B.default.weight", "lora_up"),
            Map.entry(".lora_A.default.weight", "lora_down"),
            Map.entry(".lora_B.weight", "lora_up"),
            Map.entry(".lora_A.weight", "lora_down"),
            Map.entry("_lora.up.weight", "lora_up"),
            Map.entry("_lora.down.weight", "lora_down"),
            Map.entry(".lora_magnitude_vector.default.weight", "magnitude"),
            Map.entry(".lora_magnitude_vector.weight", "magnitude"),
            Map.entry(".lora_magnitude_vector", "magnitude"),
            Map.entry(".on_input", "on_input"),
            Map.entry(".a1.weight", "a1"),
            Map.entry(".a2.weight", "a2"),
            Map.entry(".b1.weight", "b1"),
            Map.entry(".b2.weight", "b2"),
            Map.entry(".weight", "weight"));

    private static final Pattern PLAIN_PART = Pattern.compile("(.+)\\.(alpha|scale|dora_scale|diff|diff_b|w_norm|b_norm"
            + "|oft_blocks|oft_diag|rescale|hada_w[12]_[ab]|hada_t[12]|lokr_w[12]|lokr_w[12]_[ab]|lokr_t2)");

    private static final Pattern KOHYA = Pattern.compile("(?:lora|oft)_(unet|te1|te2|te)_(.+)");
    private static final Pattern DOTTED = Pattern.compile(
            "(?:base_model\\.model\\.)?(?:(unet|text_encoder_2|text_encoder|(?:model\\.)?diffusion_model)\\.)?(.+)");
    private static final Pattern TEXT_PROJECTION = Pattern.compile("(.*self_attn)_to_(q|k|v|out)$");

    private LoraNames() {}

    static Optional<Place> of(String name) {
        for (Map.Entry<String, String> ending : ENDINGS) {
            if (name.endsWith(ending.getKey())) {
                return layer(name.substring(0, name.length() - ending.getKey().length()), ending.getValue());
            }
        }
        Matcher plain = PLAIN_PART.matcher(name);
        return plain.matches() ? layer(plain.group(1), plain.group(2)) : Optional.empty();
    }

    private static Optional<Place> layer(String path, String part) {
        Matcher kohya = KOHYA.matcher(path);
        if (kohya.matches()) {
            String network = kohya.group(1).equals("te") ? "te1" : kohya.group(1);
            return Optional.of(new Place(network, kohya.group(2).replace('.', '_'), part));
        }
        Matcher dotted = DOTTED.matcher(path);
        if (!dotted.matches()) {
            return Optional.empty();
        }
        String layer = dotted.group(2).replace(".processor.", ".").replace('.', '_');
        if (layer.matches(".*_attn[12]_to_out")) {
            layer += "_0"; // diffusers' attention processors left the index out
        }
        Matcher projection = TEXT_PROJECTION.matcher(layer);
        if (projection.matches()) {
            layer = "%s_%s_proj".formatted(projection.group(1), projection.group(2));
        }
        boolean isText = layer.startsWith("text_model_");
        String network = switch (dotted.group(1)) {
            case "text_encoder" -> "te1";
            case "text_encoder_2" -> "te2";
            case null -> isText ? "te1" : "unet";
            default -> "unet";
        };
        return Optional.of(new Place(network, layer, part));
    }
}
