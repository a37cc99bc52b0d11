package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.ClipTokenizer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.DoubleSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;

/**
 * A model before its first lesson: the layout of Stable Diffusion 1, of a chosen size, with random weights. These are
 * drawn as the layers of PyTorch, OpenAI's CLIP and CompVis' UNet draw theirs.
 */
final class FreshModel {
    /**
     * How large a model is.
     *
     * @param groups of every GroupNorm
     * @param vaeChannels of the autoencoder, from the finest level to the coarsest
     * @param vaeResBlocks residual blocks per level of its encoder
     * @param unetChannels of the UNet, likewise
     * @param unetResBlocks residual blocks per level on the way down
     * @param unetDepth transformer blocks after each of them, per level
     * @param heads of the UNet's attention
     * @param textWidth of the text encoder, and of the conditioning
     */
    record Dimensions(
            int groups,
            List<Integer> vaeChannels,
            int vaeResBlocks,
            List<Integer> unetChannels,
            int unetResBlocks,
            List<Integer> unetDepth,
            int heads,
            int textWidth,
            int textLayers,
            int textHeads) {}

    private static final double THIRD = 1 / 3.0;

    private final Dimensions size;
    private final RandomGenerator random;
    private final SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();

    private FreshModel(Dimensions size, RandomGenerator random) {
        this.size = size;
        this.random = random;
    }

    static Checkpoint create(Dimensions size, RandomGenerator random) {
        FreshModel model = new FreshModel(size, random);
        model.vae(Component.VAE.prefix());
        model.textEncoder(Component.TEXT_ENCODER.prefix() + "transformer.text_model.");
        model.unet(Component.UNET.prefix());
        return Checkpoint.of(
                List.of(),
                model.tensors,
                Map.of(
                        "atelier.norm_num_groups", Integer.toString(size.groups()),
                        "atelier.num_attention_heads", Integer.toString(size.heads()),
                        "atelier.text_num_attention_heads", Integer.toString(size.textHeads())));
    }

    private void vae(String prefix) {
        List<Integer> channels = size.vaeChannels();
        int last = channels.getLast();
        mixConv(prefix + "encoder.conv_in", 3, channels.getFirst());
        int width = channels.getFirst();
        for (int level = 0; level < channels.size(); level++) {
            for (int block = 0; block < size.vaeResBlocks(); block++) {
                vaeBlock(prefix + "encoder.down." + level + ".block." + block, width, channels.get(level));
                width = channels.get(level);
            }
            if (level < channels.size() - 1) {
                filterConv(prefix + "encoder.down." + level + ".downsample.conv", width, width, THIRD, THIRD, THIRD);
            }
        }
        vaeMiddle(prefix + "encoder.", last);
        conv(prefix + "encoder.conv_out", last, 8, 3);
        uniform(prefix + "quant_conv.weight", 8, 8, 8, 1, 1);
        put(prefix + "quant_conv.bias", new float[] {0, 0, 0, 0, -4, -4, -4, -4}, 8); // start with little noise
        conv(prefix + "post_quant_conv", 4, 4, 1);
        mixConv(prefix + "decoder.conv_in", 4, last);
        vaeMiddle(prefix + "decoder.", last);
        for (int level = channels.size() - 1; level >= 0; level--) {
            for (int block = 0; block <= size.vaeResBlocks(); block++) {
                vaeBlock(prefix + "decoder.up." + level + ".block." + block, width, channels.get(level));
                width = channels.get(level);
            }
            if (level > 0) {
                filterConv(prefix + "decoder.up." + level + ".upsample.conv", width, width, 0.25, 0.5, 0.25);
            }
        }
        norm(prefix + "decoder.norm_out", width);
        conv(prefix + "decoder.conv_out", width, 3, 3);
    }

    private void vaeMiddle(String prefix, int width) {
        vaeBlock(prefix + "mid.block_1", width, width);
        norm(prefix + "mid.attn_1.norm", width);
        for (String part : List.of("q", "k", "v", "proj_out")) {
            conv(prefix + "mid.attn_1." + part, width, width, 1);
        }
        vaeBlock(prefix + "mid.block_2", width, width);
        if (prefix.endsWith("encoder.")) {
            norm(prefix + "norm_out", width);
        }
    }

    private void vaeBlock(String name, int in, int out) {
        norm(name + ".norm1", in);
        conv(name + ".conv1", in, out, 3);
        norm(name + ".norm2", out);
        zeroConv(name + ".conv2", out, out, 3);
        if (in != out) {
            filterConv(name + ".nin_shortcut", in, out, 1);
        }
    }

    private void textEncoder(String prefix) {
        int width = size.textWidth();
        double attention = 1 / Math.sqrt(width);
        double intoStream = attention / Math.sqrt(2.0 * size.textLayers());
        normal(prefix + "embeddings.token_embedding.weight", 0.1, ClipTokenizer.VOCABULARY, width);
        normal(prefix + "embeddings.position_embedding.weight", 0.02, ClipTokenizer.WINDOW, width);
        tensors.put(
                prefix + "embeddings.position_ids",
                Tensor.of(
                        DType.I64,
                        Shape.of(1, ClipTokenizer.WINDOW),
                        MemorySegment.ofArray(
                                LongStream.range(0, ClipTokenizer.WINDOW).toArray())));
        for (int layer = 0; layer < size.textLayers(); layer++) {
            String name = prefix + "encoder.layers." + layer + ".";
            norm(name + "layer_norm1", width);
            for (String part : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
                normal(
                        name + "self_attn." + part + ".weight",
                        part.equals("out_proj") ? intoStream : attention,
                        width,
                        width);
                constant(name + "self_attn." + part + ".bias", 0, width);
            }
            norm(name + "layer_norm2", width);
            normal(name + "mlp.fc1.weight", 1 / Math.sqrt(2.0 * width), 4L * width, width);
            constant(name + "mlp.fc1.bias", 0, 4L * width);
            normal(name + "mlp.fc2.weight", intoStream, width, 4L * width);
            constant(name + "mlp.fc2.bias", 0, width);
        }
        norm(prefix + "final_layer_norm", width);
    }

    private void unet(String prefix) {
        List<Integer> channels = size.unetChannels();
        int first = channels.getFirst();
        int embedding = 4 * first;
        linear(prefix + "time_embed.0", first, embedding, true);
        linear(prefix + "time_embed.2", embedding, embedding, true);
        conv(prefix + "input_blocks.0.0", 4, first, 3);
        Deque<Integer> skips = new ArrayDeque<>(List.of(first));
        int width = first;
        int n = 1;
        for (int level = 0; level < channels.size(); level++) {
            for (int block = 0; block < size.unetResBlocks(); block++, n++) {
                unetBlock(prefix + "input_blocks." + n + ".0", width, channels.get(level));
                width = channels.get(level);
                transformer(
                        prefix + "input_blocks." + n + ".1",
                        width,
                        size.unetDepth().get(level));
                skips.push(width);
            }
            if (level < channels.size() - 1) {
                conv(prefix + "input_blocks." + n++ + ".0.op", width, width, 3);
                skips.push(width);
            }
        }
        unetBlock(prefix + "middle_block.0", width, width);
        transformer(prefix + "middle_block.1", width, 1);
        unetBlock(prefix + "middle_block.2", width, width);
        n = 0;
        for (int level = channels.size() - 1; level >= 0; level--) {
            int depth = size.unetDepth().get(level);
            for (int block = 0; block <= size.unetResBlocks(); block++, n++) {
                String name = prefix + "output_blocks." + n;
                unetBlock(name + ".0", width + skips.pop(), channels.get(level));
                width = channels.get(level);
                transformer(name + ".1", width, depth);
                if (level > 0 && block == size.unetResBlocks()) {
                    conv(name + (depth > 0 ? ".2" : ".1") + ".conv", width, width, 3);
                }
            }
        }
        norm(prefix + "out.0", width);
        zeroConv(prefix + "out.2", width, 4, 3);
    }

    private void unetBlock(String name, int in, int out) {
        norm(name + ".in_layers.0", in);
        conv(name + ".in_layers.2", in, out, 3);
        linear(name + ".emb_layers.1", 4 * size.unetChannels().getFirst(), out, true);
        norm(name + ".out_layers.0", out);
        zeroConv(name + ".out_layers.3", out, out, 3);
        if (in != out) {
            conv(name + ".skip_connection", in, out, 1);
        }
    }

    private void transformer(String name, int width, int depth) {
        if (depth == 0) {
            return;
        }
        norm(name + ".norm", width);
        conv(name + ".proj_in", width, width, 1);
        for (int i = 0; i < depth; i++) {
            String block = name + ".transformer_blocks." + i + ".";
            for (String attention : List.of("attn1.", "attn2.")) {
                int context = attention.equals("attn1.") ? width : size.textWidth();
                linear(block + attention + "to_q", width, width, false);
                linear(block + attention + "to_k", context, width, false);
                linear(block + attention + "to_v", context, width, false);
                linear(block + attention + "to_out.0", width, width, true);
            }
            linear(block + "ff.net.0.proj", width, 8 * width, true);
            linear(block + "ff.net.2", 4 * width, width, true);
            for (String norm : List.of("norm1", "norm2", "norm3")) {
                norm(block + norm, width);
            }
        }
        zeroConv(name + ".proj_out", width, width, 1);
    }

    private void norm(String name, int width) {
        constant(name + ".weight", 1, width);
        constant(name + ".bias", 0, width);
    }

    private void linear(String name, int in, int out, boolean bias) {
        uniform(name + ".weight", in, out, in);
        if (bias) {
            uniform(name + ".bias", in, out);
        }
    }

    private void conv(String name, int in, int out, int kernel) {
        int fanIn = in * kernel * kernel;
        uniform(name + ".weight", fanIn, out, in, kernel, kernel);
        uniform(name + ".bias", fanIn, out);
    }

    /**
     * A convolution on the autoencoder's residual stream, from which it starts as a filter that keeps every channel: so
     * colours pass from end to end before anything is learnt. Drawn at random, ten of these layers would leave a
     * two-hundredth of the signal.
     *
     * @param filter of odd length, applied along both axes
     */
    private void filterConv(String name, int in, int out, double... filter) {
        int kernel = filter.length;
        float[] weight = new float[out * in * kernel * kernel];
        for (int o = 0; o < out; o++) {
            for (int y = 0; y < kernel; y++) {
                for (int x = 0; x < kernel; x++) {
                    weight[((o * in + o % in) * kernel + y) * kernel + x] = (float) (filter[y] * filter[x]);
                }
            }
        }
        put(name + ".weight", weight, out, in, kernel, kernel);
        constant(name + ".bias", 0, out);
    }

    /**
     * A convolution into that stream, which mixes the channels of each pixel. GroupNorm would take the colour out of a
     * picture of one colour; beside large biases, which differ from channel to channel, colours are deviations and stay.
     */
    private void mixConv(String name, int in, int out) {
        float[] weight = new float[out * in * 9];
        for (int i = 0; i < out * in; i++) {
            weight[9 * i + 4] = (float) random.nextGaussian();
        }
        put(name + ".weight", weight, out, in, 3, 3);
        normal(name + ".bias", 1, out);
    }

    /** CompVis' {@code zero_module}: what adds to a residual stream starts by adding nothing. */
    private void zeroConv(String name, int in, int out, int kernel) {
        constant(name + ".weight", 0, out, in, kernel, kernel);
        constant(name + ".bias", 0, out);
    }

    /** PyTorch's Kaiming-uniform initialisation with a = √5. */
    private void uniform(String name, int fanIn, long... shape) {
        double bound = 1 / Math.sqrt(fanIn);
        put(name, () -> random.nextDouble(-bound, bound), shape);
    }

    private void normal(String name, double deviation, long... shape) {
        put(name, () -> deviation * random.nextGaussian(), shape);
    }

    private void constant(String name, double value, long... shape) {
        put(name, () -> value, shape);
    }

    private void put(String name, DoubleSupplier values, long... sizes) {
        float[] elements = new float[Math.toIntExact(Shape.of(sizes).elements())];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = (float) values.getAsDouble();
        }
        put(name, elements, sizes);
    }

    private void put(String name, float[] elements, long... sizes) {
        Shape shape = Shape.of(sizes);
        tensors.put(name, Tensor.of(DType.F32, shape, MemorySegment.ofArray(elements)));
    }
}
