package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtException;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** A Stable Diffusion model on ONNX Runtime, in fp32 on the CPU. */
public final class OnnxModel implements DiffusionModel {
    private final StableDiffusion model;
    private final NativeWeights weights = new NativeWeights();
    private final Map<Network, OnnxSession> sessions = new EnumMap<>(Network.class);

    private OnnxModel(StableDiffusion model) {
        this.model = model;
    }

    /**
     * Loads the weights that making pictures from text needs. {@code progress} counts bytes of the checkpoint.
     *
     * @throws UncheckedIOException if the folder for temporary files cannot be written
     */
    public static OnnxModel load(StableDiffusion model, Progress progress) {
        OnnxModel loaded = new OnnxModel(model);
        boolean complete = false;
        try {
            loaded.open(progress);
            complete = true;
            return loaded;
        } catch (OrtException e) {
            throw failure(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (!complete) {
                loaded.close();
            }
        }
    }

    private void open(Progress progress) throws OrtException, IOException {
        Checkpoint checkpoint = model.checkpoint();
        Map<Network, OnnxGraph> graphs = new EnumMap<>(Network.class);
        for (Network network : Network.values()) {
            graphs.put(network, network.trace(model, WeightFile.NONE));
        }
        long total = graphs.values().stream()
                .flatMap(graph -> graph.weights().stream())
                .mapToLong(name -> checkpoint.tensor(name).byteSize())
                .sum();
        long done = 0;
        for (Map.Entry<Network, OnnxGraph> traced : graphs.entrySet()) {
            OnnxGraph graph = traced.getValue();
            for (String name : graph.weights()) {
                progress.update(done, total);
                weights.load(name, checkpoint.tensor(name));
                done += checkpoint.tensor(name).byteSize();
            }
            boolean runsAtEveryStep = traced.getKey() == Network.UNET;
            sessions.put(traced.getKey(), OnnxSession.open(graph, weights, runsAtEveryStep));
        }
        progress.update(done, total);
    }

    @Override
    public FloatArray encodeText(int[][] tokens) {
        for (int[] window : tokens) {
            boolean known = Arrays.stream(window).allMatch(id -> id >= 0 && id < ClipTokenizer.VOCABULARY);
            if (window.length != ClipTokenizer.WINDOW || !known) {
                throw new IllegalArgumentException("not a window of 77 CLIP tokens: " + Arrays.toString(window));
            }
        }
        try {
            return session(Network.TEXT_ENCODER).run("tokens", tokens);
        } catch (OrtException e) {
            throw failure(e);
        }
    }

    @Override
    public FloatArray predictNoise(FloatArray latents, float[] timesteps, FloatArray context) {
        FloatArray t = FloatArray.of(timesteps, timesteps.length, 1);
        return run(Network.UNET, Map.of("latents", latents, "timesteps", t, "context", context));
    }

    @Override
    public FloatArray decode(FloatArray latents) {
        return run(Network.VAE_DECODER, Map.of("latents", latents));
    }

    private FloatArray run(Network network, Map<String, FloatArray> inputs) {
        try {
            return session(network).run(inputs);
        } catch (OrtException e) {
            throw failure(e);
        }
    }

    private OnnxSession session(Network network) {
        return Objects.requireNonNull(sessions.get(network), "closed");
    }

    private static IllegalStateException failure(OrtException e) {
        return new IllegalStateException("ONNX Runtime: " + e.getMessage(), e);
    }

    @Override
    public int spatialFactor() {
        return model.vae().spatialFactor();
    }

    @Override
    public float[] alphasCumprod() {
        return model.alphasCumprod();
    }

    @Override
    public void close() {
        try {
            for (OnnxSession session : sessions.values()) {
                session.close();
            }
        } catch (OrtException e) {
            throw failure(e);
        }
        sessions.clear();
        weights.close();
    }
}
