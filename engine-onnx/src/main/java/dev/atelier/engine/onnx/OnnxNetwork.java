package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.T2iAdapterModel;
import dev.atelier.model.TinyDecoderModel;
import dev.atelier.model.UpscalerModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A network and its weights, which stay where they are when images of another size want another session. */
final class OnnxNetwork implements EngineModel.LoadedNetwork {
    /**
     * For how many numbers of images of the same size there may be a session of a form, each with memory for intermediate
     * results: a run that leaves the negative prompt out now and then needs two.
     */
    private static final int COUNTS = 2;

    private Function<GraphForm, OnnxGraph> graphs;
    private final @Nullable Function<StableDiffusion, Function<GraphForm, OnnxGraph>> others; // those of other models
    private final boolean runsAtEveryStep;
    private final NativeWeights weights;
    private final SequencedMap<GraphForm, OnnxSession> sessions =
            new LinkedHashMap<>(); // in the order of their last use

    private OnnxNetwork(
            Function<GraphForm, OnnxGraph> graphs,
            @Nullable Function<StableDiffusion, Function<GraphForm, OnnxGraph>> others,
            boolean runsAtEveryStep,
            NativeWeights weights) {
        this.graphs = graphs;
        this.others = others;
        this.runsAtEveryStep = runsAtEveryStep;
        this.weights = weights;
    }

    static OnnxNetwork load(StableDiffusion model, Network network, NetworkSettings settings, Progress progress) {
        Function<StableDiffusion, Function<GraphForm, OnnxGraph>> all =
                any -> form -> NetworkGraph.toRun(any, network, settings, form);
        return load(
                all.apply(model),
                settings.endless()
                        ? null
                        : all, // the graphs of endless images have operations on weights, done beforehand
                network == Network.UNET,
                model.checkpoint(),
                progress);
    }

    static OnnxNetwork load(ControlNetModel controlNet) {
        return load(form -> NetworkGraph.toRun(controlNet, form), null, true, controlNet.checkpoint(), Progress.NONE);
    }

    static OnnxNetwork load(T2iAdapterModel adapter) {
        return load(form -> NetworkGraph.toRun(adapter, form), null, false, adapter.checkpoint(), Progress.NONE);
    }

    static OnnxNetwork load(TinyDecoderModel decoder) {
        return load(form -> NetworkGraph.toRun(decoder, form), null, false, decoder.checkpoint(), Progress.NONE);
    }

    static OnnxNetwork load(UpscalerModel upscaler) {
        return load(form -> NetworkGraph.toRun(upscaler, form), null, true, upscaler.checkpoint(), Progress.NONE);
    }

    private static OnnxNetwork load(
            Function<GraphForm, OnnxGraph> graphs,
            @Nullable Function<StableDiffusion, Function<GraphForm, OnnxGraph>> others,
            boolean runsAtEveryStep,
            Checkpoint checkpoint,
            Progress progress) {
        NativeWeights weights = new NativeWeights();
        boolean complete = false;
        try {
            weights.load(checkpoint, graphs.apply(GraphForm.ANY).weights(), progress);
            complete = true;
            return new OnnxNetwork(graphs, others, runsAtEveryStep, weights);
        } finally {
            if (!complete) {
                weights.close();
            }
        }
    }

    /** Ready to run on what is no image. */
    OnnxSession session() {
        return session(GraphForm.ANY);
    }

    /** Ready to run in this form. */
    OnnxSession session(GraphForm form) {
        OnnxSession ready = sessions.remove(form);
        if (ready == null) {
            makePlace(form);
            ready = open(form);
        }
        sessions.put(form, ready);
        return ready;
    }

    private void makePlace(GraphForm form) {
        if (!sessions.keySet().stream().allMatch(form::goesWith)) {
            closeSessions();
        }
        List<GraphForm> alike =
                sessions.keySet().stream().filter(form::isOfAnotherCount).toList();
        if (alike.size() == COUNTS) {
            Objects.requireNonNull(sessions.remove(alike.getFirst())).close();
        }
    }

    private OnnxSession open(GraphForm form) {
        try {
            return OnnxSession.open(graphs.apply(form), weights, runsAtEveryStep);
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
        if (!weights.become(other.checkpoint(), graphs.apply(GraphForm.ANY).weights())) {
            closeSessions();
        }
        return true;
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
