package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.engine.onnx.OnnxGraph.ElementType;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.ControlNet;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.T2iAdapter;
import dev.atelier.model.T2iAdapterModel;
import dev.atelier.model.TextEncoderConfig;
import dev.atelier.model.TinyDecoder;
import dev.atelier.model.TinyDecoderModel;
import dev.atelier.model.UNet;
import dev.atelier.model.UNetConfig;
import dev.atelier.model.UpscalerModel;
import dev.atelier.model.UpscalerNet;
import dev.atelier.model.VaeConfig;
import dev.atelier.model.VaeDecoder;
import dev.atelier.model.VaeEncoder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The networks of a model as graphs. Each becomes one by running its own code on {@link GraphOps}.
 */
final class NetworkGraph {
    private final OnnxGraph graph;
    private final GraphOps ops;
    private final GraphWeights weights;
    private final String count; // how many images there are: a number, or a name for any
    private final String height; // of the images that go in, likewise
    private final String width;
    private final boolean toRun; // then it has inputs and outputs that exported graphs have not

    /** To export, for any program and images of any size. */
    private NetworkGraph(Checkpoint checkpoint, OnnxGraph graph) {
        this.graph = graph;
        this.ops = new GraphOps(graph);
        this.weights = new GraphWeights(checkpoint, graph, false);
        this.count = "n";
        this.height = "height";
        this.width = "width";
        this.toRun = false;
    }

    /** To run, here and on images of one size. */
    private NetworkGraph(Checkpoint checkpoint, OnnxGraph graph, GraphOps ops, Size size) {
        this.graph = graph;
        this.ops = ops;
        this.weights = new GraphWeights(checkpoint, graph, true);
        this.count = size.count() == Size.ANY ? "n" : Integer.toString(size.count());
        this.height = Integer.toString(size.height());
        this.width = Integer.toString(size.width());
        this.toRun = true;
    }

    /** A graph for {@link OnnxSession}. */
    static OnnxGraph toRun(StableDiffusion model, Network network, NetworkSettings settings, GraphForm form) {
        OnnxGraph graph = new OnnxGraph(network.label(), WeightFile.NONE);
        GraphOps ops = settings.endless() ? new EndlessOps(graph) : new FastOps(graph, form.size());
        return new NetworkGraph(model.checkpoint(), graph, ops, form.size())
                .trace(model, network, settings.clipSkip(), form);
    }

    /** A graph for {@link OnnxSession}; the size is that of the latents. */
    static OnnxGraph toRun(ControlNetModel controlNet, GraphForm form) {
        return toRun("controlnet", controlNet.checkpoint(), form.size()).controlNet(controlNet.config());
    }

    /** A graph for {@link OnnxSession}; the size is that of the cells. */
    static OnnxGraph toRun(T2iAdapterModel adapter, GraphForm form) {
        return toRun("t2i_adapter", adapter.checkpoint(), form.size()).adapter(adapter);
    }

    /** A graph for {@link OnnxSession}; the size is that of the latents. */
    static OnnxGraph toRun(TinyDecoderModel decoder, GraphForm form) {
        return toRun("taesd_decoder", decoder.checkpoint(), form.size()).tinyDecoder();
    }

    /** A graph for {@link OnnxSession}; the size is that of the pictures that go in. */
    static OnnxGraph toRun(UpscalerModel upscaler, GraphForm form) {
        return toRun("upscaler", upscaler.checkpoint(), form.size()).upscaler(upscaler);
    }

    private static NetworkGraph toRun(String name, Checkpoint checkpoint, Size size) {
        OnnxGraph graph = new OnnxGraph(name, WeightFile.NONE);
        return new NetworkGraph(checkpoint, graph, new FastOps(graph, size), size);
    }

    /** A graph for any program with ONNX Runtime, for images of any size. Text encoders read tokens alone. */
    static OnnxGraph toExport(StableDiffusion model, Network network, WeightFile file) {
        OnnxGraph graph = new OnnxGraph(network.label(), file);
        return new NetworkGraph(model.checkpoint(), graph).trace(model, network, 1, GraphForm.ANY);
    }

    private OnnxGraph trace(StableDiffusion model, Network network, int clipSkip, GraphForm form) {
        switch (network) {
            case TEXT_ENCODER -> textEncoder(model.text().getFirst(), clipSkip);
            case TEXT_ENCODER_2 -> textEncoder(model.text().getLast(), clipSkip);
            case UNET -> unet(model, form);
            case VAE_DECODER -> vaeDecoder(model.vae());
            case VAE_ENCODER -> vaeEncoder(model.vae());
        }
        return graph;
    }

    private void textEncoder(TextEncoderConfig config, int clipSkip) {
        GraphValue tokens = graph.input("tokens", ElementType.INT64, List.of(count, "77"));
        ClipTextEncoder.Inserted<GraphValue> inserted = toRun
                ? new ClipTextEncoder.Inserted<>(
                        graph.input("kept", ElementType.FLOAT, List.of(count, "77", "1")),
                        graph.input("vectors", ElementType.FLOAT, List.of(count, "77", "width")))
                : null;
        ClipTextEncoder.Encoded<GraphValue> encoded =
                new ClipTextEncoder<>(ops, weights, config).forward(tokens, inserted, clipSkip);
        graph.output("context", encoded.context(), List.of(count, "77", "context_width"));
        GraphValue pooled = encoded.pooled();
        if (pooled != null) {
            graph.output("pooled", pooled, List.of(count, "pooled_width"));
        }
    }

    private void unet(StableDiffusion model, GraphForm form) {
        UNetConfig config = model.unet();
        UNet<GraphValue> unet = new UNet<>(ops, weights, config, form.mergedTokens());
        if (form.depth() > 0) {
            shallow(unet, inputs(config, List.of(), List.of(), form), form.depth());
        } else if (form.controlled() || form.adapted()) {
            List<Integer> channels = config.outputChannels(model.checkpoint());
            List<GraphValue> control = form.controlled() ? added(channels, NetworkGraph::control) : List.of();
            List<GraphValue> adapted = form.adapted()
                    ? added(config.adapterPlaces().stream().map(channels::get).toList(), NetworkGraph::adapted)
                    : List.of();
            graph.output("noise", unet.forward(inputs(config, control, adapted, form)), latents());
        } else {
            whole(unet, inputs(config, List.of(), List.of(), form));
        }
    }

    /** A graph to run also puts out what {@link UNet#shallow} takes, as {@code deep_1}, … */
    private void whole(UNet<GraphValue> unet, UNet.Input<GraphValue> inputs) {
        UNet.Output<GraphValue> output = unet.outputs(inputs);
        graph.output("noise", output.noise(), latents());
        for (int depth = 1; toRun && depth <= output.deep().size(); depth++) {
            List<String> axes = List.of(count, "deep_channels_" + depth, height, width);
            graph.output("deep_" + depth, output.deep().get(depth - 1), axes);
        }
    }

    private void shallow(UNet<GraphValue> unet, UNet.Input<GraphValue> inputs, int depth) {
        GraphValue deep = graph.input("deep", ElementType.FLOAT, List.of(count, "deep_channels", height, width));
        graph.output("noise", unet.shallow(inputs, depth, deep), latents());
    }

    /** Inputs for what other networks add. */
    private List<GraphValue> added(List<Integer> channels, IntFunction<String> names) {
        List<GraphValue> added = new ArrayList<>();
        for (int i = 0; i < channels.size(); i++) {
            String name = names.apply(i);
            added.add(graph.input(
                    name,
                    ElementType.FLOAT,
                    List.of(count, Integer.toString(channels.get(i)), name + "_height", name + "_width")));
        }
        return added;
    }

    private OnnxGraph controlNet(UNetConfig config) {
        GraphValue picture =
                graph.input("picture", ElementType.FLOAT, List.of("pictures", "3", "picture_height", "picture_width"));
        // the picture is of another size than the images that the fast operations keep count of
        GraphValue read = new ControlNet<>(new GraphOps(graph), weights, config).read(picture);
        UNet.Input<GraphValue> input = new UNet.Input<>(
                graph.input("latents", ElementType.FLOAT, latents()),
                graph.input("timesteps", ElementType.FLOAT, List.of(count, "1")),
                graph.input("context", ElementType.FLOAT, List.of(count, "context_tokens", "context_width")),
                inputIf(config.vectorWidth(), "vector", count),
                null);
        List<GraphValue> added = new ControlNet<>(ops, weights, config).forward(input, read);
        outputs(added, NetworkGraph::control);
        return graph;
    }

    private OnnxGraph adapter(T2iAdapterModel adapter) {
        GraphValue cells = graph.input("cells", ElementType.FLOAT, List.of(count, "cell", height, width));
        outputs(new T2iAdapter<>(new GraphOps(graph), weights, adapter).forward(cells), NetworkGraph::adapted);
        return graph;
    }

    private void outputs(List<GraphValue> added, IntFunction<String> names) {
        for (int i = 0; i < added.size(); i++) {
            String name = names.apply(i);
            graph.output(name, added.get(i), List.of(count, name + "_channels", name + "_height", name + "_width"));
        }
    }

    /** The name of a tensor that goes from a ControlNet to a UNet. */
    static String control(int index) {
        return "control_" + index;
    }

    /** The name of a tensor that goes from a T2I-Adapter to a UNet. */
    static String adapted(int index) {
        return "adapted_" + index;
    }

    private OnnxGraph tinyDecoder() {
        GraphValue latents = graph.input("latents", ElementType.FLOAT, latents());
        GraphValue pictures = new TinyDecoder<>(ops, weights).forward(latents);
        graph.output("pictures", pictures, List.of(count, "3", "picture_height", "picture_width"));
        return graph;
    }

    private OnnxGraph upscaler(UpscalerModel upscaler) {
        GraphValue pictures = graph.input("pictures", ElementType.FLOAT, List.of(count, "3", height, width));
        GraphValue larger = new UpscalerNet<>(ops, weights, upscaler).forward(pictures);
        graph.output("larger", larger, List.of(count, "3", "larger_height", "larger_width"));
        return graph;
    }

    private List<String> latents() {
        return List.of(count, "4", height, width);
    }

    private UNet.Input<GraphValue> inputs(
            UNetConfig config, List<GraphValue> control, List<GraphValue> adapted, GraphForm form) {
        int more = config.inputChannels() - UNetConfig.LATENT_CHANNELS;
        String rows = form.repeats() == 1 ? count : Integer.toString(form.size().count() / form.repeats());
        return new UNet.Input<>(
                graph.input("latents", ElementType.FLOAT, List.of(rows, "4", height, width)),
                graph.input("timesteps", ElementType.FLOAT, List.of(rows, "1")),
                graph.input("context", ElementType.FLOAT, List.of(count, "context_tokens", "context_width")),
                inputIf(config.vectorWidth(), "vector", rows),
                inputIf(more, "image", rows, height, width),
                control,
                adapted,
                form.repeats());
    }

    private @Nullable GraphValue inputIf(int channels, String name, String rows, String... axes) {
        if (channels == 0) {
            return null;
        }
        List<String> all = new ArrayList<>(List.of(rows, Integer.toString(channels)));
        all.addAll(List.of(axes));
        return graph.input(name, ElementType.FLOAT, all);
    }

    private void vaeDecoder(VaeConfig config) {
        GraphValue latents = graph.input("latents", ElementType.FLOAT, List.of(count, "4", height, width));
        GraphValue pictures = new VaeDecoder<>(ops, weights, config).forward(latents);
        graph.output("pictures", pictures, List.of(count, "3", "picture_height", "picture_width"));
    }

    private void vaeEncoder(VaeConfig config) {
        GraphValue pictures = graph.input("pictures", ElementType.FLOAT, List.of(count, "3", height, width));
        GraphValue moments = new VaeEncoder<>(ops, weights, config).forward(pictures);
        graph.output("moments", moments, List.of(count, "8", "moments_height", "moments_width"));
    }
}
