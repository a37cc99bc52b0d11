package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The hyper-parameters of a UNet that its tensors' shapes do not carry by themselves.
 *
 * @param modelChannels channels after the first convolution: 320 for SD 1.x
 * @param levels resolutions: 4 for SD 1.x
 * @param resBlocks residual blocks per level on the way down (one more on the way up): 2
 * @param transformerDepth transformer blocks after each residual block, per level; 0 where there is no attention:
 *     1, 1, 1, 0 for SD 1.x
 * @param middleDepth transformer blocks in the middle: 1 for SD 1.x; 0 where it is but one residual block
 * @param linearProjections whether a transformer's projections are linear layers, as from SD 2.x on, or convolutions
 * @param heads attention heads
 * @param groups GroupNorm groups: 32 in all released models
 * @param contextWidth width of the text's vectors: 768 for SD 1.x, 1024 for SD 2.x, 2048 for SDXL, 1280 for its refiner; 0
 *     where nothing attends to it
 * @param vectorWidth width of the vector beside the time, 0 if there is none: 2816 for SDXL, 2560 for its refiner
 * @param inputChannels 4, and for models that see a picture 9 (inpainting) or 8 (instruct-pix2pix)
 * @param hypernetworks what changes the UNet's attention, one after the other; their tensors lie in the checkpoint
 */
public record UNetConfig(
        int modelChannels,
        int levels,
        int resBlocks,
        List<Integer> transformerDepth,
        int middleDepth,
        boolean linearProjections,
        AttentionHeads heads,
        int groups,
        int contextWidth,
        int vectorWidth,
        int inputChannels,
        List<Hypernetwork> hypernetworks) {
    /** How many channels latents have. */
    public static final int LATENT_CHANNELS = 4;

    /** Beside the latents: nothing, a picture (instruct-pix2pix), a mask and a picture (inpainting). */
    private static final Set<Integer> INPUT_CHANNELS = Set.of(4, 8, 9);

    static final String PREFIX = Component.UNET.prefix();

    /**
     * Derives the configuration from the names and shapes of a checkpoint. What they cannot tell comes from its metadata,
     * {@code atelier.num_attention_heads}, {@code atelier.attention_head_dim} and {@code atelier.norm_num_groups}, or
     * is what the released models use.
     *
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if the blocks do not follow the layout
     */
    static UNetConfig detect(Checkpoint checkpoint, Family family) {
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
        String attention = PREFIX + "middle_block.1.";
        boolean linear = family != Family.SD1;
        AttentionHeads heads = linear
                ? new AttentionHeads.Width(keys.setting("atelier.attention_head_dim", 64))
                : new AttentionHeads.Count(keys.setting("atelier.num_attention_heads", 8));
        String label = PREFIX + "label_emb.0.0.weight";
        String first = PREFIX + "input_blocks.0.0.weight";
        int inputChannels = (int) keys.size(first, 1);
        if (!INPUT_CHANNELS.contains(inputChannels)) {
            throw keys.unknownLayout("its UNet takes %d channels; known are 4, 8 (instruct-pix2pix) and 9 (inpainting)"
                    .formatted(inputChannels));
        }
        return new UNetConfig(
                (int) keys.size(first, 0),
                levels,
                resBlocks,
                depths,
                keys.count(attention + "transformer_blocks."),
                linear,
                heads,
                keys.setting("atelier.norm_num_groups", 32),
                contextWidth(checkpoint),
                checkpoint.has(label) ? (int) keys.size(label, 1) : 0,
                inputChannels,
                List.of());
    }

    private static int contextWidth(Checkpoint checkpoint) {
        return checkpoint.tensors().keySet().stream()
                .filter(name -> name.startsWith(PREFIX) && name.endsWith(".attn2.to_k.weight"))
                .findFirst()
                .map(name -> (int) checkpoint.tensor(name).shape().size(1))
                .orElse(0);
    }

    /** The same UNet with these hypernetworks and no others. */
    UNetConfig withHypernetworks(List<Hypernetwork> others) {
        return new UNetConfig(
                modelChannels,
                levels,
                resBlocks,
                transformerDepth,
                middleDepth,
                linearProjections,
                heads,
                groups,
                contextWidth,
                vectorWidth,
                inputChannels,
                List.copyOf(others));
    }

    /** Where the tensors of a hypernetwork lie. */
    static String hypernetwork(int index) {
        return "hypernetwork." + index + ".";
    }

    /** How many blocks there are at full resolution on the way up, which is how many a shallow run may have. */
    public int finestBlocks() {
        return resBlocks + 1;
    }

    /**
     * Behind which input blocks what a {@link T2iAdapter} says is added, the last number being the middle block: where a
     * level has attended, or has been halved without.
     */
    public List<Integer> adapterPlaces() {
        return IntStream.rangeClosed(0, levels)
                .map(level -> {
                    int last = (level + 1) * (resBlocks + 1) - 1;
                    boolean isHalved = level < levels - 1 && transformerDepth.get(level) == 0;
                    return level == levels ? levels * (resBlocks + 1) : isHalved ? last + 1 : last;
                })
                .limit(T2iAdapterModel.LEVELS)
                .boxed()
                .toList();
    }

    /** How many channels each input block puts out, and last the middle block. */
    public List<Integer> outputChannels(Checkpoint checkpoint) {
        List<Integer> channels = new ArrayList<>();
        for (int n = 0; n < levels * (resBlocks + 1); n++) {
            String block = PREFIX + "input_blocks." + n + ".0.";
            String last = Stream.of("weight", "op.weight", "out_layers.3.weight")
                    .filter(name -> checkpoint.has(block + name))
                    .findFirst()
                    .orElseThrow();
            channels.add((int) checkpoint.tensor(block + last).shape().size(0));
        }
        channels.add(channels.getLast());
        return channels;
    }
}
