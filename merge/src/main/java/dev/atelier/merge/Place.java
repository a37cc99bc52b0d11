package dev.atelier.merge;

import dev.atelier.checkpoint.Component;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where in a model a tensor belongs, for reports.
 *
 * @param block for the UNet as users weight it, IN00 to OUT11; for a text encoder the layer; for the VAE its halves
 * @param kind what the layer does, for example "self-attention"
 */
public record Place(Component component, String block, String kind) {
    private static final Pattern LAYER = Pattern.compile("\\.(?:layers|resblocks)\\.(\\d+)\\.");

    static Place of(String name, Blocks blocks) {
        Component component = Component.of(name);
        return new Place(component, block(component, name, blocks), kind(name));
    }

    private static String block(Component component, String name, Blocks blocks) {
        return switch (component) {
            case UNET -> {
                String block = blocks.of(name);
                yield block.equals("BASE") ? "other" : block;
            }
            case VAE -> name.contains("encoder.") ? "encoder" : name.contains("decoder.") ? "decoder" : "other";
            default -> {
                Matcher layer = LAYER.matcher(name);
                yield layer.find() ? "layer %2s".formatted(layer.group(1)) : "other";
            }
        };
    }

    private static String kind(String name) {
        if (name.contains("norm")
                || name.contains("ln_")
                || name.contains("in_layers.0")
                || name.contains("out_layers.0")) {
            return "norm";
        }
        if (name.contains("emb")) {
            return "embedding";
        }
        if (name.contains("attn2")) {
            return "cross-attention";
        }
        if (name.contains("attn") || name.matches(".*\\.(q|k|v|proj_in|proj_out)\\.(weight|bias)")) {
            return "self-attention";
        }
        if (name.contains(".ff.") || name.contains("mlp")) {
            return "feed-forward";
        }
        return "convolution";
    }
}
