package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Shape;
import dev.atelier.merge.rebasin.Symmetry.Neurons;
import dev.atelier.merge.rebasin.Symmetry.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * The symmetries of a Stable Diffusion checkpoint, by the names of its tensors. What blocks of the UNet and layers of the text
 * encoders hand to one another stays in order: skip connections and GroupNorm tie nearly all of it together.
 */
final class Symmetries {
    private static final String WEIGHT = ".weight";
    private static final int CLIP_HEAD = 64;

    private final Checkpoint model;
    private final List<Symmetry> found = new ArrayList<>();

    private Symmetries(Checkpoint model) {
        this.model = model;
    }

    static List<Symmetry> of(Checkpoint model) {
        Symmetries symmetries = new Symmetries(model);
        for (String name : model.tensors().keySet()) {
            at(name, ".transformer_blocks.0.norm1.weight", symmetries::spatialTransformer);
            at(name, ".in_layers.2.weight", symmetries::residualBlock);
            at(name, ".norm2.weight", symmetries::vaeResidualBlock);
            at(name, ".mid.attn_1.q.weight", symmetries::vaeAttention);
            at(name, "time_embed.0.weight", (at, _) -> symmetries.twoLayers(at + "time_embed.0", at + "time_embed.2"));
            at(
                    name,
                    "label_emb.0.0.weight",
                    (at, _) -> symmetries.twoLayers(at + "label_emb.0.0", at + "label_emb.0.2"));
            at(name, ".mlp.fc1.weight", (at, _) -> symmetries.twoLayers(at + ".mlp.fc1", at + ".mlp.fc2"));
            at(name, ".mlp.c_fc.weight", (at, _) -> symmetries.twoLayers(at + ".mlp.c_fc", at + ".mlp.c_proj"));
            at(name, ".self_attn.q_proj.weight", symmetries::clipAttention);
            at(name, ".attn.in_proj_weight", symmetries::openClipAttention);
        }
        return symmetries.found;
    }

    private static void at(String name, String ending, BiConsumer<String, String> step) {
        if (name.endsWith(ending)) {
            step.accept(name.substring(0, name.length() - ending.length()), name);
        }
    }

    /** The places of neurons, as they are found. */
    private final class Places {
        private final List<Place> places = new ArrayList<>();

        Places add(String tensor, int axis, int first) {
            if (model.has(tensor)) {
                places.add(new Place(tensor, axis, first));
            }
            return this;
        }

        /** What a layer gives: the rows of its weights, and its bias. */
        Places outOf(String layer) {
            return outOf(layer, 0);
        }

        Places outOf(String layer, int first) {
            return add(layer + WEIGHT, 0, first).add(layer + ".bias", 0, first);
        }

        /** What it takes: the columns. */
        Places into(String layer) {
            return add(layer + WEIGHT, 1, 0);
        }

        Neurons neurons(int count) {
            return new Neurons(count, List.copyOf(places));
        }
    }

    /** Unless the tensors are not made as those of Stable Diffusion. */
    private void add(int blocks, List<Neurons> kinds) {
        int count = kinds.getFirst().count();
        boolean isSound = blocks > 0
                && count % blocks == 0
                && kinds.stream()
                        .flatMap(kind -> kind.places().stream())
                        .allMatch(place -> place.first() + count <= size(place.tensor(), place.axis()));
        if (isSound) {
            found.add(new Symmetry(blocks, kinds));
        }
    }

    /** 0 if there is no such axis. */
    private int size(String tensor, int axis) {
        Shape shape = model.tensor(tensor).shape();
        return axis < shape.rank() ? Math.toIntExact(shape.size(axis)) : 0;
    }

    private int setting(String key, int otherwise) {
        String written = model.metadata().getOrDefault(key, "");
        return written.matches("[1-9][0-9]{0,5}") ? Integer.parseInt(written) : otherwise;
    }

    /** What runs through the transformer blocks between {@code proj_in} and {@code proj_out}, and what is within each. */
    private void spatialTransformer(String at, String norm) {
        boolean isConvolution = model.tensor(at + ".proj_in.weight").shape().rank() == 4; // in Stable Diffusion 1
        Places stream = new Places().outOf(at + ".proj_in").into(at + ".proj_out");
        for (int i = 0; model.has(at + ".transformer_blocks." + i + ".norm1.weight"); i++) {
            String block = at + ".transformer_blocks." + i;
            for (String attention : new String[] {block + ".attn1", block + ".attn2"}) {
                int inner = size(attention + ".to_q.weight", 0);
                add(
                        isConvolution
                                ? setting("atelier.num_attention_heads", 8)
                                : inner / setting("atelier.attention_head_dim", 64),
                        List.of(
                                new Places()
                                        .outOf(attention + ".to_q")
                                        .outOf(attention + ".to_k")
                                        .neurons(inner),
                                new Places()
                                        .outOf(attention + ".to_v")
                                        .into(attention + ".to_out.0")
                                        .neurons(inner)));
                stream.into(attention + ".to_q").outOf(attention + ".to_out.0");
            }
            stream.into(block + ".attn1.to_k").into(block + ".attn1.to_v");
            int hidden = size(block + ".ff.net.2.weight", 1);
            // GEGLU: the upper half of the rows is the other's gate
            add(
                    1,
                    List.of(new Places()
                            .outOf(block + ".ff.net.0.proj")
                            .outOf(block + ".ff.net.0.proj", hidden)
                            .into(block + ".ff.net.2")
                            .neurons(hidden)));
            stream.into(block + ".ff.net.0.proj").outOf(block + ".ff.net.2");
            stream.outOf(block + ".norm1").outOf(block + ".norm2").outOf(block + ".norm3");
        }
        add(1, List.of(stream.neurons(size(norm, 0))));
    }

    private void residualBlock(String at, String first) {
        int channels = size(first, 0);
        Places inner = new Places()
                .outOf(at + ".in_layers.2")
                .outOf(at + ".emb_layers.1")
                .outOf(at + ".out_layers.0")
                .into(at + ".out_layers.3");
        add(setting("atelier.norm_num_groups", 32), List.of(inner.neurons(channels)));
    }

    private void vaeResidualBlock(String at, String norm) {
        if (model.has(at + ".conv1.weight") && model.has(at + ".conv2.weight")) {
            Places inner =
                    new Places().outOf(at + ".conv1").outOf(at + ".norm2").into(at + ".conv2");
            add(setting("atelier.norm_num_groups", 32), List.of(inner.neurons(size(norm, 0))));
        }
    }

    private void vaeAttention(String at, String query) {
        String attention = at + ".mid.attn_1";
        int channels = size(query, 0);
        add(
                1,
                List.of(
                        new Places()
                                .outOf(attention + ".q")
                                .outOf(attention + ".k")
                                .neurons(channels),
                        new Places()
                                .outOf(attention + ".v")
                                .into(attention + ".proj_out")
                                .neurons(channels)));
    }

    private void twoLayers(String first, String second) {
        add(1, List.of(new Places().outOf(first).into(second).neurons(size(first + WEIGHT, 0))));
    }

    private void clipAttention(String at, String query) {
        String attention = at + ".self_attn.";
        int width = size(query, 0);
        add(
                setting("atelier.text_num_attention_heads", width / CLIP_HEAD),
                List.of(
                        new Places()
                                .outOf(attention + "q_proj")
                                .outOf(attention + "k_proj")
                                .neurons(width),
                        new Places()
                                .outOf(attention + "v_proj")
                                .into(attention + "out_proj")
                                .neurons(width)));
    }

    private void openClipAttention(String at, String joined) {
        String bias = at + ".attn.in_proj_bias";
        int width = size(joined, 1);
        add(
                width / CLIP_HEAD,
                List.of(
                        new Places()
                                .add(joined, 0, 0)
                                .add(bias, 0, 0)
                                .add(joined, 0, width)
                                .add(bias, 0, width)
                                .neurons(width),
                        new Places()
                                .add(joined, 0, 2 * width)
                                .add(bias, 0, 2 * width)
                                .into(at + ".attn.out_proj")
                                .neurons(width)));
    }
}
