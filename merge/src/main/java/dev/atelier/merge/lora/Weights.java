package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Shape;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The layers of a checkpoint in the single-file layout by the names that LoRA files give them. Underscores make those names
 * ambiguous to read, so they are made from the checkpoint's: for a UNet both the original code's and diffusers', for a text
 * encoder those of transformers. Diffusers counts blocks by resolution, two residual blocks each in every Stable Diffusion.
 */
final class Weights {
    /**
     * A layer's weight: all of a tensor, or some of its rows.
     *
     * @param layer the tensor's name without {@code .weight}
     * @param third which third of the tensor it is, 0 to 2; -1 for all of it
     */
    record Place(String layer, String tensor, int third) {
        /** OpenCLIP keeps query, key and value of an attention in one tensor, one below the other. */
        boolean isPart() {
            return third >= 0;
        }

        Shape shape(Checkpoint model) {
            long[] sizes = model.tensor(tensor).shape().sizes();
            if (isPart()) {
                sizes[0] /= 3;
            }
            return Shape.of(sizes);
        }
    }

    private static final String UNET = "model.diffusion_model.";
    private static final Pattern BLOCK = Pattern.compile("(input|output)_blocks\\.(\\d+)\\.(\\d+)\\.(.+)");
    private static final Pattern MIDDLE = Pattern.compile("middle_block\\.(\\d)\\.(.+)");
    private static final Pattern OPEN_CLIP = Pattern.compile("transformer\\.resblocks\\.(\\d+)\\.(.+)");

    private static final Map<String, String> RESNET = Map.of(
            "in_layers.0", "norm1",
            "in_layers.2", "conv1",
            "emb_layers.1", "time_emb_proj",
            "out_layers.0", "norm2",
            "out_layers.3", "conv2",
            "skip_connection", "conv_shortcut");

    private static final Map<String, String> ROOT = Map.of(
            "input_blocks.0.0", "conv_in",
            "time_embed.0", "time_embedding.linear_1",
            "time_embed.2", "time_embedding.linear_2",
            "label_emb.0.0", "add_embedding.linear_1",
            "label_emb.0.2", "add_embedding.linear_2",
            "out.0", "conv_norm_out",
            "out.2", "conv_out");

    private static final Map<String, String> OPEN_CLIP_LAYER = Map.of(
            "ln_1", "layer_norm1",
            "ln_2", "layer_norm2",
            "mlp.c_fc", "mlp.fc1",
            "mlp.c_proj", "mlp.fc2",
            "attn.out_proj", "self_attn.out_proj");

    private final Map<String, Place> places = new HashMap<>();

    Weights(Checkpoint model) {
        boolean xl = model.tensors().keySet().stream().anyMatch(name -> name.startsWith("conditioner.embedders.1."));
        model.tensors().keySet().forEach(name -> {
            if (name.startsWith(UNET) && name.endsWith(".weight")) {
                String layer = name.substring(UNET.length(), name.length() - ".weight".length());
                Place place = new Place(UNET + layer, name, -1);
                put("unet", layer, place);
                put("unet", diffusers(layer), place);
            } else if (name.startsWith("cond_stage_model.transformer.")) {
                clip("te1", "cond_stage_model.transformer.", name);
            } else if (name.startsWith("conditioner.embedders.0.transformer.")) {
                clip("te1", "conditioner.embedders.0.transformer.", name);
            } else if (name.startsWith("cond_stage_model.model.")) {
                openClip("te1", "cond_stage_model.model.", name);
            } else if (name.startsWith("conditioner.embedders.1.model.")) {
                openClip("te2", "conditioner.embedders.1.model.", name);
            } else if (!xl && name.startsWith("conditioner.embedders.0.model.")) {
                openClip("te2", "conditioner.embedders.0.model.", name); // the refiner's only one
            }
        });
    }

    Optional<Place> find(LoraModule module) {
        return Optional.ofNullable(places.get(module.network() + ":" + module.layer()));
    }

    private void put(String network, String layer, Place place) {
        places.put(network + ":" + layer.replace('.', '_'), place);
    }

    private void clip(String network, String prefix, String name) {
        if (name.endsWith(".weight")) {
            String layer = name.substring(prefix.length(), name.length() - ".weight".length());
            put(network, layer, new Place(prefix + layer, name, -1));
        }
    }

    private void openClip(String network, String prefix, String name) {
        Matcher block = OPEN_CLIP.matcher(name.substring(prefix.length()));
        if (!block.matches()) {
            return;
        }
        String path = "text_model.encoder.layers.%s.".formatted(block.group(1));
        String rest = block.group(2);
        if (rest.equals("attn.in_proj_weight")) {
            for (int third = 0; third < 3; third++) {
                String layer = name.substring(0, name.length() - ".in_proj_weight".length());
                put(network, path + "self_attn." + "qkv".charAt(third) + "_proj", new Place(layer, name, third));
            }
        } else if (rest.endsWith(".weight")) {
            String layer = OPEN_CLIP_LAYER.get(rest.substring(0, rest.length() - ".weight".length()));
            if (layer != null) {
                put(network, path + layer, new Place(name.substring(0, name.length() - ".weight".length()), name, -1));
            }
        }
    }

    /** Diffusers' path of a layer of the UNet. */
    static String diffusers(String layer) {
        if (ROOT.containsKey(layer)) {
            return ROOT.get(layer);
        }
        Matcher middle = MIDDLE.matcher(layer);
        if (middle.matches()) {
            int index = Integer.parseInt(middle.group(1));
            return index == 1
                    ? "mid_block.attentions.0." + middle.group(2)
                    : "mid_block.resnets.%d.%s".formatted(index / 2, resnet(middle.group(2)));
        }
        Matcher block = BLOCK.matcher(layer);
        if (!block.matches()) {
            return layer;
        }
        boolean down = block.group(1).equals("input");
        int n = Integer.parseInt(block.group(2)) - (down ? 1 : 0);
        String side = "%s_blocks.%d.".formatted(down ? "down" : "up", n / 3);
        String rest = block.group(4);
        if (rest.equals("op")) {
            return side + "downsamplers.0.conv";
        }
        if (rest.equals("conv")) {
            return side + "upsamplers.0.conv";
        }
        return block.group(3).equals("0")
                ? "%sresnets.%d.%s".formatted(side, n % 3, resnet(rest))
                : "%sattentions.%d.%s".formatted(side, n % 3, rest);
    }

    private static String resnet(String rest) {
        return RESNET.getOrDefault(rest, rest);
    }
}
