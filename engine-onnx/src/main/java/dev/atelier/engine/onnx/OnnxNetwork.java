package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.model.EngineModel;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** A network and its weights, which stay where they are when images of another size want another session. */
final class OnnxNetwork implements EngineModel.LoadedNetwork {
    private static final Size ANY = new Size(64, 64); // all take the same weights

    private final StableDiffusion model;
    private final Network network;
    private final NetworkSettings settings;
    private final NativeWeights weights;
    private @Nullable Size size;
    private @Nullable OnnxSession session;

    private OnnxNetwork(StableDiffusion model, Network network, NetworkSettings settings, NativeWeights weights) {
        this.model = model;
        this.network = network;
        this.settings = settings;
        this.weights = weights;
    }

    static OnnxNetwork load(StableDiffusion model, Network network, NetworkSettings settings, Progress progress) {
        NativeWeights weights = new NativeWeights();
        boolean complete = false;
        try {
            OnnxGraph graph = NetworkGraph.toRun(model, network, settings, ANY);
            weights.load(model.checkpoint(), graph.weights(), progress);
            complete = true;
            return new OnnxNetwork(model, network, settings, weights);
        } catch (OrtException e) {
            throw OnnxSession.failure(e);
        } finally {
            if (!complete) {
                weights.close();
            }
        }
    }

    /** Ready to run on what is no image. */
    OnnxSession session() {
        return session(ANY);
    }

    /** Ready to run on images of {@code size}. */
    OnnxSession session(Size size) {
        if (session != null && size.equals(this.size)) {
            return session;
        }
        closeSession();
        try {
            OnnxGraph graph = NetworkGraph.toRun(model, network, settings, size);
            boolean runsAtEveryStep = network == Network.UNET || network == Network.SHALLOW_UNET;
            OnnxSession opened = OnnxSession.open(graph, weights, runsAtEveryStep);
            this.session = opened;
            this.size = size;
            return opened;
        } catch (OrtException e) {
            throw OnnxSession.failure(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void closeSession() {
        if (session != null) {
            session.close();
            session = null;
        }
    }

    @Override
    public void close() {
        closeSession();
        weights.close();
    }
}
