package dev.atelier.model;

/**
 * The text transformer of CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
 * Supervision") as Stable Diffusion 1.x uses it: the output of the last layer, normalised, for every token.
 */
public final class ClipTextEncoder<T> {
    private final Ops<T> ops;
    private final Layers<T> text;
    private final TextEncoderConfig config;

    public ClipTextEncoder(Ops<T> ops, Weights<T> weights, TextEncoderConfig config) {
        this.ops = ops;
        this.text = new Layers<>(ops, weights, 1, TextEncoderConfig.PREFIX);
        this.config = config;
    }

    /**
     * @param ids token ids, integers {@code [n, 77]}
     * @return {@code [n, 77, width]}
     */
    public T forward(T ids) {
        T x = ops.add(
                ops.embedding(text.weight("embeddings.token_embedding.weight"), ids),
                text.weight("embeddings.position_embedding.weight"));
        for (int i = 0; i < config.layers(); i++) {
            x = block(text.at("encoder.layers." + i), x);
        }
        return text.layerNorm("final_layer_norm", x);
    }

    private T block(Layers<T> layers, T input) {
        return ops.scope(() -> {
            T x = ops.add(input, attention(layers.at("self_attn"), layers.layerNorm("layer_norm1", input)));
            Layers<T> mlp = layers.at("mlp");
            return ops.add(x, mlp.linear("fc2", ops.quickGelu(mlp.linear("fc1", layers.layerNorm("layer_norm2", x)))));
        });
    }

    private T attention(Layers<T> layers, T x) {
        T q = layers.linear("q_proj", x);
        T k = layers.linear("k_proj", x);
        T v = layers.linear("v_proj", x);
        return layers.linear("out_proj", ops.attention(q, k, v, config.heads(), true));
    }
}
