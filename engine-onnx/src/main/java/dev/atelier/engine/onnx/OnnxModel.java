package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Loadable;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.T2iAdapterModel;
import dev.atelier.model.TinyDecoderModel;
import dev.atelier.model.UNet;
import dev.atelier.model.UNetAnswer;
import dev.atelier.model.UNetShortcut;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/** A Stable Diffusion model on ONNX Runtime, in fp32 on the CPU. */
public final class OnnxModel extends EngineModel<OnnxNetwork> {

    private OnnxModel(StableDiffusion model) {
        super(model);
    }

    /**
     * Loads the weights that making pictures from text needs. {@code progress} counts bytes of weights.
     *
     * @throws UncheckedIOException if the folder for temporary files cannot be written
     */
    public static OnnxModel load(StableDiffusion model, Progress progress) {
        OnnxModel loaded = new OnnxModel(model);
        boolean complete = false;
        try {
            loaded.load(progress);
            complete = true;
            return loaded;
        } finally {
            if (!complete) {
                loaded.close();
            }
        }
    }

    @Override
    protected OnnxNetwork open(Network network, NetworkSettings settings, Progress progress) {
        return OnnxNetwork.load(model(), network, settings, progress);
    }

    @Override
    protected OnnxNetwork open(ControlNetModel controlNet) {
        return OnnxNetwork.load(controlNet);
    }

    @Override
    protected OnnxNetwork open(T2iAdapterModel adapter) {
        return OnnxNetwork.load(adapter);
    }

    @Override
    protected OnnxNetwork open(TinyDecoderModel decoder) {
        return OnnxNetwork.load(decoder);
    }

    /** Those of convolutions that {@link Winograd} computes are larger; half precision stays half. */
    @Override
    protected long bytes(Loadable network, NetworkSettings wanted) {
        OnnxGraph graph = switch (network) {
            case Network own -> NetworkGraph.toRun(model(), own, wanted, GraphForm.ANY);
            case ControlNetModel controlNet -> NetworkGraph.toRun(controlNet, GraphForm.ANY);
            case T2iAdapterModel adapter -> NetworkGraph.toRun(adapter, GraphForm.ANY);
            case TinyDecoderModel decoder -> NetworkGraph.toRun(decoder, GraphForm.ANY);
        };
        return graph.weights().stream().mapToLong(OnnxGraph.Weight::byteSize).sum();
    }

    @Override
    protected ClipTextEncoder.Encoded<FloatArray> encode(
            OnnxNetwork encoder, int[][] tokens, ClipTextEncoder.Inserted<FloatArray> inserted) {
        Map<String, FloatArray> outputs =
                encoder.session().run("tokens", tokens, Map.of("kept", inserted.kept(), "vectors", inserted.vectors()));
        return new ClipTextEncoder.Encoded<>(output(outputs, "context"), outputs.get("pooled"));
    }

    @Override
    protected UNetAnswer predict(OnnxNetwork unet, UNet.Input<FloatArray> input, UNetShortcut shortcut) {
        boolean isShallow = shortcut.deep() != null;
        FloatArray latents = input.latents();
        GraphForm form = new GraphForm(
                new Size(input.context().size(0), latents.size(2), latents.size(3)),
                shortcut.mergedTokens(),
                isShallow ? shortcut.depth() : 0,
                !input.control().isEmpty(),
                !input.adapted().isEmpty(),
                input.repeats());
        Map<String, FloatArray> inputs = inputs(input);
        if (isShallow) {
            inputs.put("deep", shortcut.deep());
        }
        String deep = "deep_" + shortcut.depth();
        Set<String> wanted = isShallow || shortcut.depth() == 0 ? Set.of("noise") : Set.of("noise", deep);
        Map<String, FloatArray> outputs = unet.session(form).run(inputs, wanted);
        return new UNetAnswer(output(outputs, "noise"), outputs.get(deep));
    }

    @Override
    protected List<FloatArray> control(OnnxNetwork controlNet, UNet.Input<FloatArray> input, FloatArray picture) {
        Map<String, FloatArray> inputs = inputs(input);
        inputs.put("picture", picture);
        Map<String, FloatArray> outputs =
                controlNet.session(GraphForm.of(sizeAndCount(input.latents()))).run(inputs);
        return IntStream.range(0, outputs.size())
                .mapToObj(i -> output(outputs, NetworkGraph.control(i)))
                .toList();
    }

    @Override
    protected List<FloatArray> adapt(OnnxNetwork adapter, FloatArray cells) {
        Map<String, FloatArray> outputs =
                adapter.session(GraphForm.of(sizeAndCount(cells))).run(Map.of("cells", cells));
        return IntStream.range(0, outputs.size())
                .mapToObj(i -> output(outputs, NetworkGraph.adapted(i)))
                .toList();
    }

    private static Map<String, FloatArray> inputs(UNet.Input<FloatArray> input) {
        Map<String, FloatArray> inputs = new HashMap<>();
        inputs.put("latents", input.latents());
        inputs.put("timesteps", input.timesteps());
        inputs.put("context", input.context());
        if (input.vector() != null) {
            inputs.put("vector", input.vector());
        }
        if (input.image() != null) {
            inputs.put("image", input.image());
        }
        for (int i = 0; i < input.control().size(); i++) {
            inputs.put(NetworkGraph.control(i), input.control().get(i));
        }
        for (int i = 0; i < input.adapted().size(); i++) {
            inputs.put(NetworkGraph.adapted(i), input.adapted().get(i));
        }
        return inputs;
    }

    @Override
    protected FloatArray decode(OnnxNetwork decoder, FloatArray latents) {
        return output(decoder.session(GraphForm.of(sizeOf(latents))).run(Map.of("latents", latents)), "pictures");
    }

    @Override
    protected FloatArray encode(OnnxNetwork encoder, FloatArray pictures) {
        return output(encoder.session(GraphForm.of(sizeOf(pictures))).run(Map.of("pictures", pictures)), "moments");
    }

    /** Where ONNX Runtime knows the number of images as well, it makes a session in a fraction of the time. */
    private static Size sizeAndCount(FloatArray images) {
        return new Size(images.size(0), images.size(2), images.size(3));
    }

    private static Size sizeOf(FloatArray images) {
        return new Size(images.size(2), images.size(3));
    }

    private static FloatArray output(Map<String, FloatArray> outputs, String name) {
        return Objects.requireNonNull(outputs.get(name), name);
    }
}
