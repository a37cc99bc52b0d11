package dev.atelier.merge.lora;

import dev.atelier.checkpoint.LoraLayer;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Paths of layers that LoRAs change: kohya's, in which all dots have become underscores, those of diffusers, and those of
 * Stability's generative-models (SGM), which kohya uses for XL. Underscores that are no dots belong to a word of this list.
 */
final class LoraPaths {
    private static final Pattern WORD = Pattern.compile("(?:"
            + String.join(
                    "|",
                    List.of(
                            "(?:down|up|input|output|transformer)_blocks",
                            "(?:mid|middle)_block",
                            "attentions|resnets|downsamplers|upsamplers|attn[12]|ff|net|op",
                            "to_(?:q|k|v|out)|proj_(?:in|out)",
                            "time_emb_proj|time_embedding|add_embedding|linear_[12]",
                            "conv_(?:shortcut|in|out|norm_out)|conv[12]?",
                            "in_layers|out_layers|emb_layers|skip_connection|time_embed|label_emb",
                            "text_model|encoder|layers|self_attn|(?:q|k|v|out)_proj|mlp|fc[12]|proj",
                            "layer_norm[12]|norm[123]?|final_layer_norm|embeddings|(?:token|position)_embedding",
                            "text_projection|out|[0-9]+"))
            + ")(?=_|$)");

    private LoraPaths() {}

    /** With dots; empty if a word of it is not known. */
    static Optional<String> dotted(String layer) {
        StringBuilder path = new StringBuilder();
        Matcher word = WORD.matcher(layer);
        int at = 0;
        while (at < layer.length()) {
            if (!word.region(at, layer.length()).useTransparentBounds(true).lookingAt()) {
                return Optional.empty();
            }
            path.append(path.isEmpty() ? "" : ".").append(word.group());
            at = word.end() + 1;
        }
        return Optional.of(path.toString());
    }

    /** Whether a layer with underscores has a name of SGM. */
    static boolean isSgm(String layer) {
        return layer.matches("(input_blocks|output_blocks|middle_block|time_embed|label_emb)_\\d.*|out_[02]");
    }

    /** Diffusers' path of a layer that has underscores, in whichever naming. */
    static Optional<String> diffusers(String layer) {
        Optional<String> path = dotted(layer);
        return isSgm(layer) ? path.flatMap(LoraLayer::diffusersOfXl) : path;
    }
}
