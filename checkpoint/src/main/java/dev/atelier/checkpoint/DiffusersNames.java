package dev.atelier.checkpoint;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names that diffusers and transformers give to the tensors of Stable Diffusion, turned into those of the
 * single-file layout. The correspondence is one to one; it follows from how both number the same blocks: diffusers by
 * resolution and position within it, CompVis straight through.
 */
final class DiffusersNames {
    private static final Pattern BLOCK = Pattern.compile(
            "(down|up)_blocks\\.(\\d{1,4})\\.(resnets|attentions|downsamplers|upsamplers)\\.(\\d{1,4})\\.(.+)");
    private static final Pattern MIDDLE = Pattern.compile("mid_block\\.(resnets|attentions)\\.(\\d{1,4})\\.(.+)");
    private static final Pattern VAE_BLOCK = Pattern.compile(
            "(encoder|decoder)\\.(down|up)_blocks\\.(\\d{1,4})\\.(resnets|downsamplers|upsamplers)\\.(\\d{1,4})\\.(.+)");
    private static final Pattern VAE_MIDDLE =
            Pattern.compile("(encoder|decoder)\\.mid_block\\.(resnets|attentions)\\.(\\d{1,4})\\.(.+)");
    private static final Pattern ZERO_CONVOLUTION =
            Pattern.compile("controlnet_down_blocks\\.(\\d{1,4})\\.(weight|bias)");
    private static final Pattern ADAPTER_BLOCK =
            Pattern.compile("adapter\\.body\\.(\\d{1,4})\\.(?:resnets\\.(\\d{1,4})\\.)?([a-z0-9_]+\\.(?:weight|bias))");
    private static final Pattern HINT =
            Pattern.compile("controlnet_cond_embedding\\.(conv_in|conv_out|blocks\\.(\\d{1,4}))\\.(weight|bias)");
    private static final Pattern LEADING = Pattern.compile("([a-z_0-9]+(?:\\.\\d+)?)\\.(.+)");

    static final Map<String, String> UNET_ROOT = Map.of(
            "time_embedding.linear_1", "time_embed.0",
            "time_embedding.linear_2", "time_embed.2",
            "add_embedding.linear_1", "label_emb.0.0",
            "add_embedding.linear_2", "label_emb.0.2",
            "time_embedding.cond_proj", "time_embedding.cond_proj", // distilled guidance: the name stays
            "conv_in", "input_blocks.0.0",
            "conv_norm_out", "out.0",
            "conv_out", "out.2");

    static final Map<String, String> UNET_RESNET = Map.of(
            "norm1", "in_layers.0",
            "conv1", "in_layers.2",
            "time_emb_proj", "emb_layers.1",
            "norm2", "out_layers.0",
            "conv2", "out_layers.3",
            "conv_shortcut", "skip_connection");

    static final Map<String, String> VAE_ATTENTION = Map.ofEntries(
            Map.entry("group_norm", "norm"),
            Map.entry("to_q", "q"),
            Map.entry("to_k", "k"),
            Map.entry("to_v", "v"),
            Map.entry("to_out.0", "proj_out"));

    /** What diffusers before 0.14 called them. */
    private static final Map<String, String> OLD_VAE_ATTENTION =
            Map.of("query", "q", "key", "k", "value", "v", "proj_attn", "proj_out");

    private DiffusersNames() {}

    /**
     * The single-file name of a UNet's tensor.
     *
     * @param all the names of all tensors of that UNet, which tell how blocks are numbered
     */
    static Optional<String> unet(String name, Set<String> all) {
        int blocksPerLevel = 1;
        while (all.contains("down_blocks.0.resnets.%d.conv1.weight".formatted(blocksPerLevel))) {
            blocksPerLevel++;
        }
        Matcher block = BLOCK.matcher(name);
        if (block.matches()) {
            return unetBlock(block.toMatchResult(), blocksPerLevel + 1, all);
        }
        Matcher middle = MIDDLE.matcher(name);
        if (middle.matches()) {
            return middle.group(1).equals("attentions")
                    ? Optional.of("middle_block.1." + middle.group(3))
                    : renamed(UNET_RESNET, middle.group(3))
                            .map(rest -> "middle_block.%d.%s".formatted(2 * Integer.parseInt(middle.group(2)), rest));
        }
        int dot = name.lastIndexOf('.');
        return Optional.ofNullable(UNET_ROOT.get(dot < 0 ? name : name.substring(0, dot)))
                .map(root -> root + name.substring(dot));
    }

    /** The name of a ControlNet's tensor, which is half a UNet with a convolution behind every block. */
    static Optional<String> controlNet(String name, Set<String> all) {
        Matcher zero = ZERO_CONVOLUTION.matcher(name);
        if (zero.matches()) {
            return Optional.of("zero_convs.%s.0.%s".formatted(zero.group(1), zero.group(2)));
        }
        if (name.startsWith("controlnet_mid_block.")) {
            return Optional.of(name.replace("controlnet_mid_block.", "middle_block_out.0."));
        }
        Matcher hint = HINT.matcher(name);
        if (hint.matches()) {
            int n = switch (hint.group(1)) {
                case "conv_in" -> 0;
                case "conv_out" -> 2 * hintBlocks(all) + 2;
                default -> 2 * Integer.parseInt(hint.group(2)) + 2;
            };
            return Optional.of("input_hint_block.%d.%s".formatted(n, hint.group(3)));
        }
        return unet(name, all);
    }

    /** @param blocks residual blocks per level */
    static Optional<String> t2iAdapter(String name, boolean isLight, int blocks) {
        Matcher block = ADAPTER_BLOCK.matcher(name);
        if (!block.matches()) {
            return name.startsWith("adapter.conv_in.")
                    ? Optional.of(name.substring("adapter.".length()))
                    : Optional.empty();
        }
        int level = Integer.parseInt(block.group(1));
        int index = block.group(2) == null ? 0 : Integer.parseInt(block.group(2));
        String inner = block.group(2) == null ? "" : "body." + index + ".";
        return Optional.of(
                isLight
                        ? "body.%d.%s%s".formatted(level, inner, block.group(3))
                        : "body.%d.%s".formatted(level * blocks + index, block.group(3)));
    }

    private static int hintBlocks(Set<String> all) {
        int blocks = 0;
        while (all.contains("controlnet_cond_embedding.blocks.%d.weight".formatted(blocks))) {
            blocks++;
        }
        return blocks;
    }

    /** @param stride blocks of CompVis' numbering per level: the residual blocks and one more */
    private static Optional<String> unetBlock(MatchResult block, int stride, Set<String> all) {
        boolean down = block.group(1).equals("down");
        int level = Integer.parseInt(block.group(2));
        int index = Integer.parseInt(block.group(4));
        String side = down ? "input_blocks." : "output_blocks.";
        int n = level * stride + index + (down ? 1 : 0);
        return switch (block.group(3)) {
            case "resnets" -> renamed(UNET_RESNET, block.group(5)).map(rest -> side + n + ".0." + rest);
            case "attentions" -> Optional.of(side + n + ".1." + block.group(5));
            case "downsamplers" ->
                Optional.of(side + (level + 1) * stride + ".0." + block.group(5).replaceFirst("^conv", "op"));
            default -> {
                boolean attends = all.contains("up_blocks.%d.attentions.0.norm.weight".formatted(level));
                yield Optional.of(side + (level * stride + stride - 1) + (attends ? ".2." : ".1.") + block.group(5));
            }
        };
    }

    /**
     * The single-file name of a VAE's tensor.
     *
     * @param all the names of all tensors of that VAE: CompVis numbers the decoder's levels from the finest one
     */
    static Optional<String> vae(String name, Set<String> all) {
        int levels = 1;
        while (all.contains("decoder.up_blocks.%d.resnets.0.conv1.weight".formatted(levels))) {
            levels++;
        }
        Matcher block = VAE_BLOCK.matcher(name);
        if (block.matches()) {
            String side = block.group(2);
            int level = Integer.parseInt(block.group(3));
            String prefix = "%s.%s.%d.".formatted(block.group(1), side, side.equals("up") ? levels - 1 - level : level);
            return Optional.of(
                    switch (block.group(4)) {
                        case "resnets" -> prefix + "block." + block.group(5) + "." + shortcut(block.group(6));
                        case "downsamplers" -> prefix + "downsample." + block.group(6);
                        default -> prefix + "upsample." + block.group(6);
                    });
        }
        Matcher middle = VAE_MIDDLE.matcher(name);
        if (middle.matches()) {
            String prefix = middle.group(1) + ".mid.";
            return middle.group(2).equals("attentions")
                    ? renamed(VAE_ATTENTION, middle.group(4))
                            .or(() -> renamed(OLD_VAE_ATTENTION, middle.group(4)))
                            .map(rest -> prefix + "attn_1." + rest)
                    : Optional.of(prefix + "block_" + (Integer.parseInt(middle.group(3)) + 1) + "."
                            + shortcut(middle.group(4)));
        }
        return name.matches(
                        "((encoder|decoder)\\.(conv_in|conv_out|conv_norm_out)|quant_conv|post_quant_conv)\\.(weight|bias)")
                ? Optional.of(name.replace("conv_norm_out", "norm_out"))
                : Optional.empty();
    }

    private static String shortcut(String rest) {
        return rest.replace("conv_shortcut", "nin_shortcut");
    }

    /** {@code name} with its leading part, which may end in a number, replaced. */
    static Optional<String> renamed(Map<String, String> names, String name) {
        Matcher leading = LEADING.matcher(name);
        return leading.matches()
                ? Optional.ofNullable(names.get(leading.group(1)))
                        .map(replacement -> replacement + "." + leading.group(2))
                : Optional.empty();
    }
}
