package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TinyDecoderModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A network and its weights, which stay where they are when images of another size want another session. */
final class OnnxNetwork implements EngineModel.LoadedNetwork {
    private static final Size ANY = new Size(64, 64); // all take the same weights

    /**
     * For how many numbers of images of the same size there may be a session, each with memory for intermediate results: a
     * run that leaves the negative prompt out now and then needs two.
     */
    private static final int COUNTS = 2;

    private Function<Size, OnnxGraph> graphs;
    private final @Nullable Function<StableDiffusion, Function<Size, OnnxGraph>> others; // the graphs of other models
    private final boolean runsAtEveryStep;
    private final NativeWeights weights;
    private final SequencedMap<Size, OnnxSession> sessions = new LinkedHashMap<>(); // in the order of their last use

    private OnnxNetwork(
            Function<Size, OnnxGraph> graphs,
            @Nullable Function<StableDiffusion, Function<Size, OnnxGraph>> others,
            boolean runsAtEveryStep,
            NativeWeights weights) {
        this.graphs = graphs;
        this.others = others;
        this.runsAtEveryStep = runsAtEveryStep;
        this.weights = weights;
    }

    static OnnxNetwork load(StableDiffusion model, Network network, NetworkSettings settings, Progress progress) {
        boolean runsAtEveryStep =
                network == Network.UNET || network == Network.SHALLOW_UNET || network == Network.CONTROLLED_UNET;
        Function<StableDiffusion, Function<Size, OnnxGraph>> all =
                any -> size -> NetworkGraph.toRun(any, network, settings, size);
        return load(
                all.apply(model),
                settings.endless()
                        ? null
                        : all, // the graphs of endless images have operations on weights, done beforehand
                runsAtEveryStep,
                model.checkpoint(),
                progress);
    }

    static OnnxNetwork load(ControlNetModel controlNet) {
        return load(size -> NetworkGraph.toRun(controlNet, size), null, true, controlNet.checkpoint(), Progress.NONE);
    }

    static OnnxNetwork load(TinyDecoderModel decoder) {
        return load(size -> NetworkGraph.toRun(decoder, size), null, false, decoder.checkpoint(), Progress.NONE);
    }

    private static OnnxNetwork load(
            Function<Size, OnnxGraph> graphs,
            @Nullable Function<StableDiffusion, Function<Size, OnnxGraph>> others,
            boolean runsAtEveryStep,
            Checkpoint checkpoint,
            Progress progress) {
        NativeWeights weights = new NativeWeights();
        boolean complete = false;
        try {
            weights.load(checkpoint, graphs.apply(ANY).weights(), progress);
            complete = true;
            return new OnnxNetwork(graphs, others, runsAtEveryStep, weights);
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
        OnnxSession ready = sessions.remove(size);
        if (ready == null) {
            boolean isAnotherCount =
                    sessions.size() < COUNTS && sessions.keySet().stream().allMatch(size::isAsLarge);
            if (!isAnotherCount) {
                closeSessions();
            }
            ready = open(size);
        }
        sessions.put(size, ready);
        return ready;
    }

    private OnnxSession open(Size size) {
        try {
            return OnnxSession.open(graphs.apply(size), weights, runsAtEveryStep);
        } catch (OrtException e) {
            throw OnnxSession.failure(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Overwrites the weights; sessions stay, unless some weights are part of a file, and now of another one. */
    @Override
    public boolean become(StableDiffusion other) {
        if (others == null) {
            return false;
        }
        graphs = others.apply(other);
        try {
            if (!weights.become(other.checkpoint(), graphs.apply(ANY).weights())) {
                closeSessions();
            }
            return true;
        } catch (OrtException e) {
            throw OnnxSession.failure(e);
        }
    }

    private void closeSessions() {
        sessions.values().forEach(OnnxSession::close);
        sessions.clear();
    }

    @Override
    public void close() {
        closeSessions();
        weights.close();
    }
}
