package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The hyper-parameters of a UNet that its tensors' shapes do not carry by themselves.
 *
 * @param modelChannels channels after the first convolution: 320 for SD 1.x
 * @param levels resolutions: 4 for SD 1.x
 * @param resBlocks residual blocks per level on the way down (one more on the way up): 2
 * @param transformerDepth transformer blocks after each residual block, per level; 0 where there is no attention:
 *     1, 1, 1, 0 for SD 1.x
 * @param middleDepth transformer blocks in the middle: 1 for SD 1.x
 * @param heads attention heads: 8 for SD 1.x
 * @param groups GroupNorm groups: 32 in all released models
 */
public record UNetConfig(
        int modelChannels,
        int levels,
        int resBlocks,
        List<Integer> transformerDepth,
        int middleDepth,
        int heads,
        int groups) {
    static final String PREFIX = Component.UNET.prefix();

    /**
     * Derives the configuration from the names and shapes of a checkpoint. What they cannot tell comes from its metadata,
     * {@code atelier.num_attention_heads} and {@code atelier.norm_num_groups}, or is what SD 1.x uses.
     *
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if the blocks do not follow the layout
     */
    static UNetConfig detect(Checkpoint checkpoint) {
        KeyTree keys = new KeyTree(checkpoint);
        int blocks = keys.count(PREFIX + "input_blocks.");
        List<Integer> downsamplers = IntStream.range(0, blocks)
                .filter(n -> checkpoint.has(PREFIX + "input_blocks." + n + ".0.op.weight"))
                .boxed()
                .toList();
        int levels = downsamplers.size() + 1;
        int resBlocks = (downsamplers.isEmpty() ? blocks : downsamplers.getFirst()) - 1;
        if (resBlocks < 1 || blocks != levels * (resBlocks + 1)) {
            throw keys.unknownLayout(
                    "its UNet has %d input blocks, downsampling at %s, which is not the layout of Stable Diffusion"
                            .formatted(blocks, downsamplers));
        }
        List<Integer> depths = IntStream.range(0, levels)
                .mapToObj(level ->
                        keys.count(PREFIX + "input_blocks." + (1 + level * (resBlocks + 1)) + ".1.transformer_blocks."))
                .toList();
        return new UNetConfig(
                (int) keys.size(PREFIX + "input_blocks.0.0.weight", 0),
                levels,
                resBlocks,
                depths,
                keys.count(PREFIX + "middle_block.1.transformer_blocks."),
                keys.setting("atelier.num_attention_heads", 8),
                keys.setting("atelier.norm_num_groups", 32));
    }
}
