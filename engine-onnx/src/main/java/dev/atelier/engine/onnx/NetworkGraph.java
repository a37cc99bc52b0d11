package dev.atelier.engine.onnx;

import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.engine.onnx.OnnxGraph.ElementType;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TextEncoderConfig;
import dev.atelier.model.UNet;
import dev.atelier.model.UNetConfig;
import dev.atelier.model.VaeDecoder;
import dev.atelier.model.VaeEncoder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The networks of a model as graphs. Each becomes one by running its own code on {@link GraphOps}. How many images
 * there are is left open.
 */
final class NetworkGraph {
    private final StableDiffusion model;
    private final OnnxGraph graph;
    private final GraphOps ops;
    private final GraphWeights weights;
    private final String height; // of the images that go in: numbers, or names for any
    private final String width;
    private final boolean toRun; // then it has inputs and outputs that exported graphs have not

    private NetworkGraph(
            StableDiffusion model, OnnxGraph graph, GraphOps ops, String height, String width, boolean toRun) {
        this.model = model;
        this.graph = graph;
        this.ops = ops;
        this.weights = new GraphWeights(model.checkpoint(), graph);
        this.height = height;
        this.width = width;
        this.toRun = toRun;
    }

    /**
     * A graph for {@link OnnxSession}.
     *
     * @param size of the images that go in; of no interest to text encoders
     */
    static OnnxGraph toRun(StableDiffusion model, Network network, NetworkSettings settings, Size size) {
        OnnxGraph graph = new OnnxGraph(network.label(), WeightFile.NONE);
        String height = Integer.toString(size.height());
        String width = Integer.toString(size.width());
        return new NetworkGraph(model, graph, new FastOps(graph, size), height, width, true).trace(network, settings);
    }

    /** A graph for any program with ONNX Runtime, for images of any size. Text encoders read tokens alone. */
    static OnnxGraph toExport(StableDiffusion model, Network network, WeightFile file) {
        OnnxGraph graph = new OnnxGraph(network.label(), file);
        return new NetworkGraph(model, graph, new GraphOps(graph), "height", "width", false)
                .trace(network, NetworkSettings.DEFAULT);
    }

    private OnnxGraph trace(Network network, NetworkSettings settings) {
        switch (network) {
            case TEXT_ENCODER -> textEncoder(model.text().getFirst(), settings.clipSkip());
            case TEXT_ENCODER_2 -> textEncoder(model.text().getLast(), settings.clipSkip());
            case UNET -> unet(model.unet(), settings);
            case SHALLOW_UNET -> shallowUnet(model.unet(), settings);
            case VAE_DECODER -> vaeDecoder();
            case VAE_ENCODER -> vaeEncoder();
        }
        return graph;
    }

    private void textEncoder(TextEncoderConfig config, int clipSkip) {
        GraphValue tokens = graph.input("tokens", ElementType.INT64, List.of("n", "77"));
        ClipTextEncoder.Inserted<GraphValue> inserted = toRun
                ? new ClipTextEncoder.Inserted<>(
                        graph.input("kept", ElementType.FLOAT, List.of("n", "77", "1")),
                        graph.input("vectors", ElementType.FLOAT, List.of("n", "77", "width")))
                : null;
        ClipTextEncoder.Encoded<GraphValue> encoded =
                new ClipTextEncoder<>(ops, weights, config).forward(tokens, inserted, clipSkip);
        graph.output("context", encoded.context(), List.of("n", "77", "context_width"));
        GraphValue pooled = encoded.pooled();
        if (pooled != null) {
            graph.output("pooled", pooled, List.of("n", "pooled_width"));
        }
    }

    /** A graph to run also puts out what {@link UNet#shallow} takes, as {@code deep_1}, … */
    private void unet(UNetConfig config, NetworkSettings settings) {
        UNet.Output<GraphValue> output =
                new UNet<>(ops, weights, config, settings.mergedTokens()).outputs(inputs(config));
        graph.output("noise", output.noise(), latents());
        for (int depth = 1; toRun && depth <= output.deep().size(); depth++) {
            List<String> axes = List.of("n", "deep_channels_" + depth, height, width);
            graph.output("deep_" + depth, output.deep().get(depth - 1), axes);
        }
    }

    private void shallowUnet(UNetConfig config, NetworkSettings settings) {
        UNet.Input<GraphValue> inputs = inputs(config);
        GraphValue deep = graph.input("deep", ElementType.FLOAT, List.of("n", "deep_channels", height, width));
        UNet<GraphValue> unet = new UNet<>(ops, weights, config, settings.mergedTokens());
        graph.output("noise", unet.shallow(inputs, settings.depth(), deep), latents());
    }

    private List<String> latents() {
        return List.of("n", "4", height, width);
    }

    private UNet.Input<GraphValue> inputs(UNetConfig config) {
        int more = config.inputChannels() - UNetConfig.LATENT_CHANNELS;
        return new UNet.Input<>(
                graph.input("latents", ElementType.FLOAT, latents()),
                graph.input("timesteps", ElementType.FLOAT, List.of("n", "1")),
                graph.input("context", ElementType.FLOAT, List.of("n", "context_tokens", "context_width")),
                inputIf(config.vectorWidth(), "vector"),
                inputIf(more, "image", height, width));
    }

    private @Nullable GraphValue inputIf(int channels, String name, String... axes) {
        if (channels == 0) {
            return null;
        }
        List<String> all = new ArrayList<>(List.of("n", Integer.toString(channels)));
        all.addAll(List.of(axes));
        return graph.input(name, ElementType.FLOAT, all);
    }

    private void vaeDecoder() {
        GraphValue latents = graph.input("latents", ElementType.FLOAT, List.of("n", "4", height, width));
        GraphValue pictures = new VaeDecoder<>(ops, weights, model.vae()).forward(latents);
        graph.output("pictures", pictures, List.of("n", "3", "picture_height", "picture_width"));
    }

    private void vaeEncoder() {
        GraphValue pictures = graph.input("pictures", ElementType.FLOAT, List.of("n", "3", height, width));
        GraphValue moments = new VaeEncoder<>(ops, weights, model.vae()).forward(pictures);
        graph.output("moments", moments, List.of("n", "8", "moments_height", "moments_width"));
    }
}
