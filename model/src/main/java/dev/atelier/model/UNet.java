package dev.atelier.model;

import dev.atelier.checkpoint.PredictionType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The denoising UNet of latent diffusion (Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion
 * Models"), in the layout of the CompVis code: {@code input_blocks}, {@code middle_block}, {@code output_blocks}.
 */
public final class UNet<T> {

    /**
     * What a UNet goes by; n contexts at once. Guidance asks what k latents are by several contexts each: what comes before
     * the first look at the context is computed once for them.
     *
     * @param latents {@code [k, 4, h, w]}, of any size
     * @param timesteps {@code [k, 1]}, in [0, 999], fractions allowed
     * @param context {@code [n, tokens, contextWidth]}
     * @param vector {@code [k, vectorWidth]}, for the models that have such
     * @param image {@code [k, inputChannels - 4, h, w]}, for the models that see more than the latents
     * @param control what {@link ControlNet}s add; empty for nothing
     * @param adapted what {@link T2iAdapter}s add; empty for nothing
     * @param repeats n / k: the first context, the one k further on and so on are those of the first latent
     */
    public record Input<T>(
            T latents,
            T timesteps,
            T context,
            @Nullable T vector,
            @Nullable T image,
            List<T> control,
            List<T> adapted,
            int repeats) {
        public Input {
            control = List.copyOf(control);
            adapted = List.copyOf(adapted);
        }

        /** The input without ControlNets, with a latent for each context. */
        public Input(T latents, T timesteps, T context, @Nullable T vector, @Nullable T image) {
            this(latents, timesteps, context, vector, image, List.of(), List.of(), 1);
        }

        /** The input of models that see only latents and text: SD 1.x and 2.x. */
        public Input(T latents, T timesteps, T context) {
            this(latents, timesteps, context, null, null);
        }
    }

    /**
     * What a UNet puts out, and what it computed on the way.
     *
     * @param noise ε or v (see {@link PredictionType}), {@code [n, 4, h, w]}
     * @param deep at index d - 1, what {@link #shallow} of depth d takes
     */
    public record Output<T>(T noise, List<T> deep) {}

    private final Ops<T> ops;
    private final Layers<T> unet;
    private final List<Layers<T>> hypernetworks;
    private final UNetConfig config;
    private final double mergedTokens;

    public UNet(Ops<T> ops, Weights<T> weights, UNetConfig config) {
        this(ops, weights, config, 0);
    }

    /** @param mergedTokens see {@link UNetShortcut#mergedTokens} */
    public UNet(Ops<T> ops, Weights<T> weights, UNetConfig config, double mergedTokens) {
        this.ops = ops;
        this.unet = new Layers<>(ops, weights, config.groups(), UNetConfig.PREFIX);
        this.hypernetworks = IntStream.range(0, config.hypernetworks().size())
                .mapToObj(i -> new Layers<>(ops, weights, config.groups(), UNetConfig.hypernetwork(i)))
                .toList();
        this.config = config;
        this.mergedTokens = mergedTokens;
    }

    /** The network's output, ε or v (see {@link PredictionType}), {@code [n, 4, h, w]}. */
    public T forward(Input<T> input) {
        return outputs(input).noise;
    }

    /** As {@link #forward}, with what {@link #shallow} takes. */
    public Output<T> outputs(Input<T> input) {
        Run run = new Run(input);
        for (int block = 0; block < blocks(); block++) {
            run.down(block);
        }
        run.middle();
        List<T> deep = new ArrayList<>();
        for (int block = 0; block < blocks(); block++) {
            if (blocks() - block <= config.finestBlocks()) {
                deep.addFirst(run.h);
            }
            run.up(block);
        }
        return new Output<>(output(run.h), deep);
    }

    /**
     * Runs only the outermost blocks, on the way down and up again, around what the blocks between them gave for other
     * latents (Ma et al. 2023, "DeepCache", arXiv 2312.00858).
     *
     * @param depth how many blocks each way, 1 to {@link UNetConfig#finestBlocks}
     * @param deep the output of those between, see {@link Output}
     */
    public T shallow(Input<T> input, int depth, T deep) {
        Run run = new Run(input);
        for (int block = 0; block < depth; block++) {
            run.down(block);
        }
        run.part();
        run.h = deep;
        for (int block = blocks() - depth; block < blocks(); block++) {
            run.up(block);
        }
        return output(run.h);
    }

    /**
     * What each input block puts out, and last the middle block, where a picture is seen beside the latents.
     *
     * @param picture is added to the output of the first convolution
     */
    List<T> encode(Input<T> input, T picture) {
        Run run = new Run(input);
        run.h = ops.add(run.h, picture);
        for (int block = 0; block < blocks(); block++) {
            run.down(block);
        }
        List<T> outputs = new ArrayList<>(run.skips.reversed());
        run.middle();
        outputs.add(run.h);
        return outputs;
    }

    /** How many blocks there are on the way down, and as many on the way up. */
    private int blocks() {
        return config.levels() * (config.resBlocks() + 1);
    }

    /** The way through the network. */
    private final class Run {
        private T emb;
        private final T context;
        private final List<T> control;
        private final List<T> adapted;
        private final Deque<T> skips = new ArrayDeque<>();
        private T h;
        private int repeats; // still to come

        Run(Input<T> input) {
            this.emb = ops.scope(() -> embedding(input));
            this.context = input.context;
            this.control = input.control;
            this.adapted = input.adapted;
            this.repeats = input.repeats;
            this.h = ops.scope(() -> unet.conv("input_blocks.0.0", seen(input)));
        }

        /** The first of them is the convolution that a run begins with. */
        void down(int block) {
            int level = (block - 1) / (config.resBlocks() + 1);
            if (block > 0 && block % (config.resBlocks() + 1) == 0) {
                h = downsample("input_blocks." + block + ".0.op", h);
            } else if (block > 0) {
                attend(unet.at("input_blocks." + block), level, h);
            }
            adapt(block);
            skips.push(h);
        }

        void middle() {
            h = resBlock(unet.at("middle_block.0"), h, emb);
            if (config.middleDepth() > 0) {
                attend(unet.at("middle_block.1"), config.middleDepth(), false);
                h = resBlock(unet.at("middle_block.2"), h, emb);
            }
            part();
            adapt(blocks());
            if (!control.isEmpty()) {
                h = ops.add(h, control.getLast());
            }
        }

        private void adapt(int place) {
            int index = config.adapterPlaces().indexOf(place);
            if (index >= 0 && !adapted.isEmpty()) {
                h = ops.add(h, adapted.get(index));
            }
        }

        void up(int block) {
            Layers<T> layers = unet.at("output_blocks." + block);
            int level = config.levels() - 1 - block / (config.resBlocks() + 1);
            T image = h;
            T output = skips.pop();
            T skip = control.isEmpty() ? output : ops.add(output, control.get(skips.size()));
            attend(layers, level, ops.scope(() -> ops.concat(1, image, skip)));
            if (level > 0 && block % (config.resBlocks() + 1) == config.resBlocks()) {
                boolean attends = config.transformerDepth().get(level) > 0;
                h = upsample(layers.at(attends ? "2" : "1"), h, skips.element());
            }
        }

        private void attend(Layers<T> layers, int level, T image) {
            h = resBlock(layers.at("0"), image, emb);
            attend(layers.at("1"), config.transformerDepth().get(level), level == 0 && mergedTokens > 0);
        }

        private void attend(Layers<T> layers, int depth, boolean merging) {
            if (depth > 0) {
                h = transformer(layers, h, context, depth, merging, repeats);
                partRest();
            }
        }

        /** From here on, there is a row for each context. */
        private void part() {
            h = repeated(h, repeats);
            partRest();
        }

        private void partRest() {
            emb = repeated(emb, repeats);
            List<T> once = List.copyOf(skips);
            skips.clear();
            once.forEach(skip -> skips.add(repeated(skip, repeats)));
            repeats = 1;
        }
    }

    /** The rows so many times, all of them after one another. */
    private T repeated(T x, int times) {
        T all = x;
        for (int i = 1; i < times; i++) {
            all = ops.concat(0, all, x);
        }
        return all;
    }

    private T seen(Input<T> input) {
        T image = input.image;
        return image == null ? input.latents : ops.concat(1, input.latents, image);
    }

    private T downsample(String name, T image) {
        return ops.scope(() -> unet.conv(name, image, 2));
    }

    private T upsample(Layers<T> layers, T image, T skip) {
        // an odd size was halved upwards; AUTOMATIC1111 cuts here as well
        return ops.scope(() -> ops.cropTo(layers.conv("conv", ops.upsample2x(image)), skip));
    }

    private T output(T image) {
        return ops.scope(() -> unet.conv("out.2", ops.silu(unet.groupNorm("out.0", image, 1e-5))));
    }

    private T embedding(Input<T> input) {
        T time = timeEmbedding(input.timesteps);
        T vector = input.vector;
        if (vector == null) {
            return time;
        }
        Layers<T> label = unet.at("label_emb.0");
        return ops.add(time, label.linear("2", ops.silu(label.linear("0", vector))));
    }

    /** Sinusoidal embedding (Vaswani et al. 2017), cosines first, then two linear layers. */
    private T timeEmbedding(T timesteps) {
        int half = config.modelChannels() / 2;
        float[] frequencies = new float[half];
        for (int i = 0; i < half; i++) {
            frequencies[i] = (float) Math.exp(-Math.log(10_000) * i / half);
        }
        T angles = ops.mul(timesteps, ops.constant(FloatArray.of(frequencies, 1, half)));
        T sinusoids = ops.concat(1, ops.cos(angles), ops.sin(angles));
        return unet.linear("time_embed.2", ops.silu(unet.linear("time_embed.0", sinusoids)));
    }

    private T resBlock(Layers<T> layers, T x, T emb) {
        return ops.scope(() -> {
            T h = layers.conv("in_layers.2", ops.silu(layers.groupNorm("in_layers.0", x, 1e-5)));
            h = ops.addToChannels(h, layers.linear("emb_layers.1", ops.silu(emb)));
            h = layers.conv("out_layers.3", ops.silu(layers.groupNorm("out_layers.0", h, 1e-5)));
            return ops.add(layers.keepsWidth("in_layers.2") ? x : layers.conv("skip_connection", x), h);
        });
    }

    /** @param repeats of the image's rows, to be as many as the context's */
    private T transformer(Layers<T> layers, T image, T context, int depth, boolean merging, int repeats) {
        T x = ops.scope(() -> {
            T normed = layers.groupNorm("norm", image, 1e-6);
            return config.linearProjections()
                    ? layers.linear("proj_in", ops.toTokens(normed))
                    : ops.toTokens(layers.conv("proj_in", normed));
        });
        for (int i = 0; i < depth; i++) {
            Layers<T> block = layers.at("transformer_blocks." + i);
            x = transformerBlock(block, x, context, merging ? image : null, i == 0 ? repeats : 1);
        }
        T mixed = x;
        return ops.scope(() -> {
            T before = repeated(image, repeats);
            T change = config.linearProjections()
                    ? ops.toImage(layers.linear("proj_out", mixed), before)
                    : layers.conv("proj_out", ops.toImage(mixed, before));
            return ops.add(before, change);
        });
    }

    /** @param merged an image of the size that these are the tokens of, where they are merged for self-attention */
    private T transformerBlock(Layers<T> layers, T input, T context, @Nullable T merged, int repeats) {
        return ops.scope(() -> {
            T x = input;
            T normed = layers.layerNorm("norm1", x);
            UnaryOperator<T> selfAttention = tokens -> selfAttention(layers.at("attn1"), tokens);
            x = ops.add(
                    x,
                    merged == null
                            ? selfAttention.apply(normed)
                            : ops.scope(() -> ops.onMergedTokens(normed, input, merged, mergedTokens, selfAttention)));
            Layers<T> cross = layers.at("attn2");
            T k = keys(cross, context);
            T v = values(cross, context);
            return ops.eachToken(repeated(x, repeats), tokens -> {
                T y = ops.add(tokens, attention(cross, layers.layerNorm("norm2", tokens), k, v));
                return ops.add(y, feedForward(layers.at("ff.net"), layers.layerNorm("norm3", y)));
            });
        });
    }

    private T selfAttention(Layers<T> layers, T x) {
        return ops.scope(() -> attention(layers, x, keys(layers, x), values(layers, x)));
    }

    private T keys(Layers<T> layers, T context) {
        return layers.linearWithoutBias("to_k", changed("k", context, (int) layers.inputs("to_k")));
    }

    private T values(Layers<T> layers, T context) {
        return layers.linearWithoutBias("to_v", changed("v", context, (int) layers.inputs("to_v")));
    }

    private T changed(String part, T context, int width) {
        T changed = context;
        for (int i = 0; i < hypernetworks.size(); i++) {
            changed = config.hypernetworks().get(i).change(part, hypernetworks.get(i), changed, width);
        }
        return changed;
    }

    private T attention(Layers<T> layers, T x, T k, T v) {
        return ops.scope(() -> {
            T q = layers.linearWithoutBias("to_q", x);
            return layers.linear(
                    "to_out.0", ops.attention(q, k, v, config.heads().of(layers.width("to_q")), false));
        });
    }

    /** GEGLU (Shazeer 2020, "GLU Variants Improve Transformer"). */
    private T feedForward(Layers<T> layers, T x) {
        return ops.scope(() -> {
            List<T> halves = layers.linear("0.proj", x, 2);
            return layers.linear("2", ops.mul(halves.getFirst(), ops.gelu(halves.getLast())));
        });
    }
}
