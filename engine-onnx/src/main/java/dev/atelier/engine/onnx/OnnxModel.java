package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.EngineModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** A Stable Diffusion model on ONNX Runtime, in fp32 on the CPU. */
public final class OnnxModel extends EngineModel<OnnxModel.Part> {

    /** A network and its weights. */
    record Part(OnnxSession session, NativeWeights weights) implements LoadedNetwork {
        @Override
        public void close() {
            session.close();
            weights.close();
        }
    }

    private final StableDiffusion model;

    private OnnxModel(StableDiffusion model) {
        super(model);
        this.model = model;
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
    protected Part open(Network network, int clipSkip, Progress progress) {
        OnnxGraph graph = NetworkGraph.toRun(model, network, clipSkip);
        NativeWeights weights = new NativeWeights();
        boolean complete = false;
        try {
            weights.load(model.checkpoint(), graph.weights(), progress);
            boolean runsAtEveryStep = network == Network.UNET;
            Part part = new Part(OnnxSession.open(graph, weights, runsAtEveryStep), weights);
            complete = true;
            return part;
        } catch (OrtException e) {
            throw OnnxSession.failure(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (!complete) {
                weights.close();
            }
        }
    }

    @Override
    protected ClipTextEncoder.Encoded<FloatArray> encode(Part part, int[][] tokens) {
        Map<String, FloatArray> outputs = part.session.run("tokens", tokens);
        return new ClipTextEncoder.Encoded<>(output(outputs, "context"), outputs.get("pooled"));
    }

    @Override
    protected FloatArray predict(Part part, UNet.Input<FloatArray> input) {
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
        return output(part.session.run(inputs), "noise");
    }

    @Override
    protected FloatArray decode(Part part, FloatArray latents) {
        return output(part.session.run(Map.of("latents", latents)), "pictures");
    }

    @Override
    protected FloatArray encode(Part part, FloatArray pictures) {
        return output(part.session.run(Map.of("pictures", pictures)), "moments");
    }

    private static FloatArray output(Map<String, FloatArray> outputs, String name) {
        return Objects.requireNonNull(outputs.get(name), name);
    }
}
