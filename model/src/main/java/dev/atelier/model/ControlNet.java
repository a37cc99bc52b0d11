package dev.atelier.model;

import java.util.ArrayList;
import java.util.List;

/**
 * A ControlNet (Zhang et al. 2023, "Adding Conditional Control to Text-to-Image Diffusion Models", arXiv 2302.05543): a
 * copy of the UNet's way down that sees a picture beside the latents, and whose outputs are added to the UNet's.
 */
public final class ControlNet<T> {
    /** How many pixels of the picture there are to a latent cell, in both directions. */
    public static final int PIXELS = 8;

    /** Where the convolutions that read the picture halve it. */
    private static final List<Integer> STRIDES = List.of(1, 1, 2, 1, 2, 1, 2, 1);

    private final Ops<T> ops;
    private final Layers<T> layers;
    private final UNet<T> copy;

    public ControlNet(Ops<T> ops, Weights<T> weights, UNetConfig config) {
        this.ops = ops;
        this.layers = new Layers<>(ops, weights, config.groups(), UNetConfig.PREFIX);
        this.copy = new UNet<>(ops, weights, config);
    }

    /** @param picture {@code [n, 3, 8h, 8w]}, values from 0 to 1 */
    public T read(T picture) {
        return ops.scope(() -> {
            T x = layers.conv("input_hint_block.0", picture);
            for (int i = 1; i < STRIDES.size(); i++) {
                x = layers.conv("input_hint_block." + 2 * i, ops.silu(x), STRIDES.get(i));
            }
            return x;
        });
    }

    /**
     * What is to be added to the output of each input block of the UNet, and last to that of its middle block.
     *
     * @param input what the UNet goes by too; {@code image} and {@code control} are not looked at
     * @param picture what {@link #read} makes of it
     */
    public List<T> forward(UNet.Input<T> input, T picture) {
        List<T> outputs = copy.encode(input, picture);
        List<T> added = new ArrayList<>();
        for (int i = 0; i < outputs.size() - 1; i++) {
            added.add(layers.conv("zero_convs." + i + ".0", outputs.get(i)));
        }
        added.add(layers.conv("middle_block_out.0", outputs.getLast()));
        return added;
    }
}
