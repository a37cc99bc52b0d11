package dev.atelier.checkpoint;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The names of the single-file layout turned into diffusers': the reverse of {@link DiffusersNames}. */
final class SingleFileNames {
    private static final Pattern UNET_BLOCK = Pattern.compile("(input|output)_blocks\\.(\\d{1,4})\\.([0-2])\\.(.+)");
    private static final Pattern UNET_MIDDLE = Pattern.compile("middle_block\\.([0-2])\\.(.+)");
    private static final Pattern VAE_BLOCK = Pattern.compile(
            "(encoder|decoder)\\.(down|up)\\.(\\d{1,4})\\.(block\\.(\\d{1,4})|downsample|upsample)\\.(.+)");
    private static final Pattern VAE_MIDDLE = Pattern.compile("(encoder|decoder)\\.mid\\.(block_([12])|attn_1)\\.(.+)");
    private static final Pattern VAE_ROOT = Pattern.compile(
            "((?:encoder|decoder)\\.(?:conv_in|conv_out|norm_out)|quant_conv|post_quant_conv)\\.(?:weight|bias)");

    private static final Map<String, String> UNET_ROOT = reversed(DiffusersNames.UNET_ROOT);
    private static final Map<String, String> UNET_RESNET = reversed(DiffusersNames.UNET_RESNET);
    private static final Map<String, String> VAE_ATTENTION = reversed(DiffusersNames.VAE_ATTENTION);

    private SingleFileNames() {}

    private static Map<String, String> reversed(Map<String, String> names) {
        return names.entrySet().stream().collect(Collectors.toUnmodifiableMap(Map.Entry::getValue, Map.Entry::getKey));
    }

    /**
     * Diffusers' name of a UNet's tensor.
     *
     * @param all the names of all tensors of that UNet, which tell how blocks are numbered
     */
    static Optional<String> unet(String name, Set<String> all) {
        Matcher middle = UNET_MIDDLE.matcher(name);
        if (middle.matches()) {
            int child = Integer.parseInt(middle.group(1));
            return child == 1
                    ? Optional.of("mid_block.attentions.0." + middle.group(2))
                    : DiffusersNames.renamed(UNET_RESNET, middle.group(2))
                            .map(rest -> "mid_block.resnets.%d.%s".formatted(child / 2, rest));
        }
        Matcher block = UNET_BLOCK.matcher(name);
        if (block.matches() && !name.startsWith("input_blocks.0.")) {
            return unetBlock(block, stride(all));
        }
        int dot = name.lastIndexOf('.');
        return Optional.ofNullable(UNET_ROOT.get(dot < 0 ? name : name.substring(0, dot)))
                .map(root -> root + name.substring(dot));
    }

    /** Blocks per level: as many as come before the first one that shrinks the picture. */
    static int stride(Set<String> all) {
        int stride = 1;
        while (all.contains("input_blocks.%d.0.in_layers.0.weight".formatted(stride))) {
            stride++;
        }
        return stride;
    }

    private static Optional<String> unetBlock(Matcher block, int stride) {
        boolean input = block.group(1).equals("input");
        int n = Integer.parseInt(block.group(2)) - (input ? 1 : 0);
        String rest = block.group(4);
        String level = (input ? "down_blocks." : "up_blocks.") + n / stride;
        int index = n % stride;
        if (rest.startsWith("op.")) {
            return Optional.of(level + ".downsamplers.0.conv." + rest.substring("op.".length()));
        }
        if (rest.startsWith("conv.") && !input) {
            return Optional.of(level + ".upsamplers.0." + rest);
        }
        return switch (block.group(3)) {
            case "0" -> DiffusersNames.renamed(UNET_RESNET, rest).map(part -> level + ".resnets." + index + "." + part);
            case "1" -> Optional.of(level + ".attentions." + index + "." + rest);
            default -> Optional.empty();
        };
    }

    /**
     * Diffusers' name of a VAE's tensor.
     *
     * @param all the names of all tensors of that VAE: CompVis numbers the decoder's levels from the finest one
     */
    static Optional<String> vae(String name, Set<String> all) {
        Matcher block = VAE_BLOCK.matcher(name);
        if (block.matches()) {
            int levels = 1;
            while (all.contains("decoder.up.%d.block.0.conv1.weight".formatted(levels))) {
                levels++;
            }
            int level = Integer.parseInt(block.group(3));
            String prefix = "%s.%s_blocks.%d."
                    .formatted(
                            block.group(1), block.group(2), block.group(2).equals("up") ? levels - 1 - level : level);
            String rest = block.group(6).replace("nin_shortcut", "conv_shortcut");
            return Optional.of(
                    switch (block.group(4)) {
                        case "downsample" -> prefix + "downsamplers.0." + rest;
                        case "upsample" -> prefix + "upsamplers.0." + rest;
                        default -> prefix + "resnets." + block.group(5) + "." + rest;
                    });
        }
        Matcher middle = VAE_MIDDLE.matcher(name);
        if (middle.matches()) {
            String prefix = middle.group(1) + ".mid_block.";
            return middle.group(3) == null
                    ? DiffusersNames.renamed(VAE_ATTENTION, middle.group(4))
                            .map(rest -> prefix + "attentions.0." + rest)
                    : Optional.of(prefix + "resnets." + (Integer.parseInt(middle.group(3)) - 1) + "."
                            + middle.group(4).replace("nin_shortcut", "conv_shortcut"));
        }
        return VAE_ROOT.matcher(name).matches()
                ? Optional.of(name.replace("norm_out", "conv_norm_out"))
                : Optional.empty();
    }
}
