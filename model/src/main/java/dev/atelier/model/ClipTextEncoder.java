package dev.atelier.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The text transformer of CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
 * Supervision"), OpenAI's and OpenCLIP's.
 */
public final class ClipTextEncoder<T> {

    /**
     * What guides the UNet.
     *
     * @param context a vector for each token, {@code [n, 77, width]}
     * @param pooled a vector for each window, {@code [n, projected width]}, if the encoder has one
     */
    public record Encoded<T>(T context, @Nullable T pooled) {}

    /**
     * Learned vectors in the place of those that some tokens have.
     *
     * @param kept {@code [n, 77, 1]}: 1 where a token keeps its own vector, 0 where it is replaced
     * @param vectors {@code [n, 77, width]}: 0 where a token keeps its own
     */
    public record Inserted<T>(T kept, T vectors) {}

    private final Ops<T> ops;
    private final Layers<T> text;
    private final TextEncoderConfig config;
    private final TextEncoderNames names;

    public ClipTextEncoder(Ops<T> ops, Weights<T> weights, TextEncoderConfig config) {
        this.ops = ops;
        this.text = new Layers<>(ops, weights, 1, config.prefix());
        this.config = config;
        this.names = config.names();
    }

    /** As {@link #forward(Object, Inserted, int)} without learned vectors. */
    public Encoded<T> forward(T ids, int clipSkip) {
        return forward(ids, null, clipSkip);
    }

    /**
     * @param ids token ids, integers {@code [n, 77]}, as {@link TextEncoderConfig#padded} has them
     * @param clipSkip at which layer from the end to stop, 1 being the last; see {@link TextEncoderConfig#depth}
     */
    public Encoded<T> forward(T ids, @Nullable Inserted<T> inserted, int clipSkip) {
        int depth = config.depth(clipSkip);
        T x = ops.scope(() -> {
            T tokens = ops.embedding(text.weight(names.tokens), ids);
            if (inserted != null) {
                tokens = ops.add(ops.mul(tokens, inserted.kept), inserted.vectors);
            }
            return ops.add(tokens, text.weight(names.positions));
        });
        for (int i = 0; i < depth; i++) {
            x = block(i, x);
        }
        T context = config.normalizes() ? finalNorm(x) : x;
        if (!config.pools()) {
            return new Encoded<>(context, null);
        }
        for (int i = depth; i < config.layers(); i++) {
            x = block(i, x);
        }
        T last = x;
        return new Encoded<>(context, ops.scope(() -> {
            T end = ops.tokenOfLargest(finalNorm(last), ids); // EOS has the highest id of all
            return ops.matmul(end, text.weight("text_projection"));
        }));
    }

    private T finalNorm(T x) {
        return ops.scope(() -> text.layerNorm(names.finalNorm, x));
    }

    private T block(int index, T input) {
        Layers<T> layers = text.at(names.layers + index);
        return ops.scope(() -> {
            T x = ops.add(input, attention(layers.at(names.attention), layers.layerNorm(names.norm1, input)));
            T wide = layers.linear(names.widen, layers.layerNorm(names.norm2, x));
            T activated = names == TextEncoderNames.OPEN_CLIP ? ops.gelu(wide) : ops.quickGelu(wide);
            return ops.add(x, layers.linear(names.narrow, activated));
        });
    }

    private T attention(Layers<T> layers, T x) {
        List<T> qkv = names == TextEncoderNames.OPEN_CLIP
                ? ops.split(ops.linear(x, layers.weight("in_proj_weight"), layers.weight("in_proj_bias")), 3)
                : List.of(layers.linear("q_proj", x), layers.linear("k_proj", x), layers.linear("v_proj", x));
        return layers.linear("out_proj", ops.attention(qkv.get(0), qkv.get(1), qkv.get(2), config.heads(), true));
    }
}
