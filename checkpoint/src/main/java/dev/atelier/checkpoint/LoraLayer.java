package dev.atelier.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A layer of a checkpoint in the single-file layout, with the names that LoRA files give it. Underscores make those names
 * ambiguous to read, so they are made from the checkpoint's: for a UNet both the original code's and diffusers', for a text
 * encoder those of transformers.
 *
 * @param network {@code unet}, {@code te1} or {@code te2}
 * @param original the layer's path within its network as the original code has it; of a text encoder as transformers does
 * @param diffusers the same path as diffusers has it
 * @param tensor the layer's weight in the checkpoint
 * @param third which third of the weight's rows the layer is, 0 to 2; -1 for all of them. OpenCLIP keeps query, key and value of
 *     an attention in one tensor, one below the other
 */
public record LoraLayer(String network, String original, String diffusers, String tensor, int third) {
    private static final String UNET = "model.diffusion_model.";
    private static final Pattern BLOCK = Pattern.compile("(input|output)_blocks\\.(\\d{1,4})\\.(\\d{1,4})\\.(.+)");
    private static final Pattern MIDDLE = Pattern.compile("middle_block\\.(\\d)\\.(.+)");
    private static final Pattern OPEN_CLIP = Pattern.compile("transformer\\.resblocks\\.(\\d+)\\.(.+)");

    private static final Map<String, String> RESNET = inverse(DiffusersNames.UNET_RESNET);
    private static final Map<String, String> ROOT = inverse(DiffusersNames.UNET_ROOT);

    private static final Map<String, String> OPEN_CLIP_LAYER = Map.of(
            "ln_1", "layer_norm1",
            "ln_2", "layer_norm2",
            "mlp.c_fc", "mlp.fc1",
            "mlp.c_proj", "mlp.fc2",
            "attn.out_proj", "self_attn.out_proj");

    /** The names that tell how XL's UNet numbers its blocks. */
    private static final Set<String> XL = Set.of(
            "down_blocks.0.resnets.1.conv1.weight",
            "up_blocks.0.attentions.0.norm.weight",
            "up_blocks.1.attentions.0.norm.weight",
            "input_blocks.1.0.in_layers.0.weight",
            "input_blocks.2.0.in_layers.0.weight");

    private static Map<String, String> inverse(Map<String, String> names) {
        return names.entrySet().stream().collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey));
    }

    /** Diffusers' path of a layer of XL's UNet, from that of the original code; empty if there is no such layer. */
    public static Optional<String> diffusersOfXl(String original) {
        return SingleFileNames.unet(original + ".weight", XL).map(LoraLayer::withoutWeight);
    }

    /** The original code's path of a layer of XL's UNet, from that of diffusers; empty if there is no such layer. */
    public static Optional<String> originalOfXl(String diffusers) {
        return DiffusersNames.unet(diffusers + ".weight", XL).map(LoraLayer::withoutWeight);
    }

    /** All layers of the UNet and the text encoders of {@code model}, in the order of their weights in it. */
    public static List<LoraLayer> of(Checkpoint model) {
        List<LoraLayer> layers = new ArrayList<>();
        boolean xl = model.tensors().keySet().stream().anyMatch(name -> name.startsWith("conditioner.embedders.1."));
        int stride = blocksPerLevel(model) + 1;
        model.tensors().keySet().forEach(name -> {
            if (name.startsWith(UNET) && name.endsWith(".weight")) {
                String layer = withoutWeight(name.substring(UNET.length()));
                layers.add(new LoraLayer("unet", layer, diffusers(layer, stride), name, -1));
            } else if (name.startsWith("cond_stage_model.transformer.")) {
                clip("te1", "cond_stage_model.transformer.", name).ifPresent(layers::add);
            } else if (name.startsWith("conditioner.embedders.0.transformer.")) {
                clip("te1", "conditioner.embedders.0.transformer.", name).ifPresent(layers::add);
            } else if (name.startsWith("cond_stage_model.model.")) {
                layers.addAll(openClip("te1", "cond_stage_model.model.", name));
            } else if (name.startsWith("conditioner.embedders.1.model.")) {
                layers.addAll(openClip("te2", "conditioner.embedders.1.model.", name));
            } else if (!xl && name.startsWith("conditioner.embedders.0.model.")) {
                layers.addAll(openClip("te2", "conditioner.embedders.0.model.", name)); // the refiner's only one
            }
        });
        return layers;
    }

    /** Residual blocks before the first halving: two in every Stable Diffusion. */
    private static int blocksPerLevel(Checkpoint model) {
        int blocks = 0;
        while (model.has(UNET + "input_blocks.%d.0.in_layers.2.weight".formatted(blocks + 1))) {
            blocks++;
        }
        return blocks == 0 ? 2 : blocks;
    }

    private static String withoutWeight(String name) {
        return name.substring(0, name.length() - ".weight".length());
    }

    private static Optional<LoraLayer> clip(String network, String prefix, String name) {
        if (!name.endsWith(".weight")) {
            return Optional.empty();
        }
        String layer = withoutWeight(name.substring(prefix.length()));
        return Optional.of(new LoraLayer(network, layer, layer, name, -1));
    }

    private static List<LoraLayer> openClip(String network, String prefix, String name) {
        Matcher block = OPEN_CLIP.matcher(name.substring(prefix.length()));
        if (!block.matches()) {
            return List.of();
        }
        String path = "text_model.encoder.layers.%s.".formatted(block.group(1));
        String rest = block.group(2);
        if (rest.equals("attn.in_proj_weight")) {
            List<LoraLayer> thirds = new ArrayList<>();
            for (int third = 0; third < 3; third++) {
                String layer = path + "self_attn." + "qkv".charAt(third) + "_proj";
                thirds.add(new LoraLayer(network, layer, layer, name, third));
            }
            return thirds;
        }
        String layer = rest.endsWith(".weight") ? OPEN_CLIP_LAYER.get(withoutWeight(rest)) : null;
        return layer == null ? List.of() : List.of(new LoraLayer(network, path + layer, path + layer, name, -1));
    }

    /** @param stride blocks of the original numbering per level: the residual blocks and one more */
    private static String diffusers(String layer, int stride) {
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
        String side = "%s_blocks.%d.".formatted(down ? "down" : "up", n / stride);
        String rest = block.group(4);
        if (rest.equals("op")) {
            return side + "downsamplers.0.conv";
        }
        if (rest.equals("conv")) {
            return side + "upsamplers.0.conv";
        }
        return block.group(3).equals("0")
                ? "%sresnets.%d.%s".formatted(side, n % stride, resnet(rest))
                : "%sattentions.%d.%s".formatted(side, n % stride, rest);
    }

    private static String resnet(String rest) {
        return RESNET.getOrDefault(rest, rest);
    }

    /** How kohya names its LoRA: with the original code's path for XL's UNet, diffusers' for the others. */
    public String kohyaName(boolean isXl) {
        boolean isUnet = network.equals("unet");
        String path = isUnet && isXl ? original : diffusers;
        return "lora_%s_%s".formatted(isUnet || isXl ? network : "te", path.replace('.', '_'));
    }

    /** The layer's weight without {@code .weight}: what its bias's name starts with. */
    public String layer() {
        return third >= 0 ? tensor.substring(0, tensor.length() - ".in_proj_weight".length()) : withoutWeight(tensor);
    }

    /** The shape of the layer's weight. */
    public Shape shape(Checkpoint model) {
        long[] sizes = model.tensor(tensor).shape().sizes();
        if (third >= 0) {
            sizes[0] /= 3;
        }
        return Shape.of(sizes);
    }
}
