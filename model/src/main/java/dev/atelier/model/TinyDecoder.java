package dev.atelier.model;

/**
 * The decoder of the tiny autoencoder TAESD (Ollin Boer Bohan, github.com/madebyollin/taesd): what a latent looks like,
 * nearly, in a fraction of a second.
 */
public final class TinyDecoder<T> {
    /** The layers of its sequence that are three residual blocks; between them the image is doubled. */
    private static final int[] STAGES = {3, 8, 13};

    private final Ops<T> ops;
    private final Layers<T> layers;

    public TinyDecoder(Ops<T> ops, Weights<T> weights) {
        this.ops = ops;
        this.layers = new Layers<>(ops, weights, 1, TinyDecoderModel.PREFIX);
    }

    /**
     * @param latents {@code [n, 4, h, w]}, in the UNet's scale
     * @return pictures {@code [n, 3, 8h, 8w]} of about [-1, 1]
     */
    public T forward(T latents) {
        T x = ops.scale(ops.tanh(ops.scale(latents, 1 / 3.0)), 3);
        x = ops.relu(layers.conv("1", x));
        for (int stage : STAGES) {
            for (int i = 0; i < 3; i++) {
                x = block(layers.at(Integer.toString(stage + i)), x);
            }
            x = layers.conv(Integer.toString(stage + 4), ops.upsample2x(x));
        }
        x = layers.conv("19", block(layers.at("18"), x));
        return ops.add(ops.scale(x, 2), ops.constant(FloatArray.of(new float[] {-1}, 1)));
    }

    private T block(Layers<T> block, T input) {
        return ops.scope(() -> {
            T x = ops.relu(block.conv("conv.0", input));
            x = ops.relu(block.conv("conv.2", x));
            return ops.relu(ops.add(input, block.conv("conv.4", x)));
        });
    }
}
