package dev.atelier.engine.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.RunOptions;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.atelier.model.FloatArray;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A network with its weights, ready to run. */
final class OnnxSession implements AutoCloseable {
    private final OrtSession session;
    private final RunOptions runOptions;
    private final List<OnnxTensor> weights;

    private OnnxSession(OrtSession session, RunOptions runOptions, List<OnnxTensor> weights) {
        this.session = session;
        this.runOptions = runOptions;
        this.weights = weights;
    }

    /**
     * @param weights those that {@code graph} names; they must stay open as long as the session
     * @param keepsMemory whether the memory of a run is kept for the next, which saves asking the system for every page
     */
    static OnnxSession open(OnnxGraph graph, NativeWeights weights, boolean keepsMemory)
            throws OrtException, IOException {
        Path folder = Files.createTempDirectory("atelier").toRealPath(); // links are refused
        Path file = Files.createFile(folder.resolve(WeightFile.NONE.name()));
        List<OnnxTensor> tensors = new ArrayList<>();
        boolean complete = false;
        try (SessionOptions options = new SessionOptions()) {
            options.disablePerSessionThreads();
            // Level 3 would keep the weights of all convolutions a second time, in another layout, and packing those of
            // all linear layers: a few percent faster, for twice the memory and some seconds of loading.
            options.setOptimizationLevel(OptLevel.EXTENDED_OPT);
            options.addConfigEntry("session.disable_prepacking", "1");
            // Planning a block for all tensors of a run takes a gigabyte more for decoding 512 × 512, and no less time.
            options.setMemoryPatternOptimization(false);
            // Not a byte is read from the file, but a graph that names a missing one is refused.
            options.addConfigEntry("session.model_external_initializers_file_folder_path", folder.toString());
            for (OnnxGraph.Weight weight : graph.weights()) {
                tensors.add(weights.tensor(weight));
                options.addInitializer(weight.name(), tensors.getLast());
            }
            OnnxSession opened = new OnnxSession(
                    Environment.ORT.createSession(graph.toBytes(), options), runOptions(keepsMemory), tensors);
            complete = true;
            return opened;
        } finally {
            if (!complete) {
                tensors.forEach(OnnxTensor::close);
            }
            Files.delete(file);
            Files.delete(folder);
        }
    }

    private static RunOptions runOptions(boolean keepsMemory) throws OrtException {
        RunOptions options = new RunOptions();
        if (!keepsMemory) {
            options.addRunConfigEntry("memory.enable_memory_arena_shrinkage", "cpu:0");
        }
        return options;
    }

    /** Runs the network on copies of {@code inputs} and returns its outputs by name. */
    Map<String, FloatArray> run(Map<String, FloatArray> inputs) {
        return run(inputs, session.getOutputNames());
    }

    /** Runs the network on copies of {@code inputs} and returns those of its outputs that are wanted. */
    Map<String, FloatArray> run(Map<String, FloatArray> inputs, Set<String> wanted) {
        return run(inputs, new HashMap<>(), wanted);
    }

    /** Runs a network that reads integers {@code [rows, columns]} beside {@code inputs}. */
    Map<String, FloatArray> run(String integers, int[][] values, Map<String, FloatArray> inputs) {
        long[] flat = Arrays.stream(values)
                .flatMapToInt(Arrays::stream)
                .asLongStream()
                .toArray();
        long[] shape = {values.length, flat.length / values.length};
        Map<String, OnnxTensor> tensors = new HashMap<>();
        try {
            tensors.put(integers, OnnxTensor.createTensor(Environment.ORT, LongBuffer.wrap(flat), shape));
        } catch (OrtException e) {
            throw failure(e);
        }
        return run(inputs, tensors, session.getOutputNames());
    }

    /** Adds the inputs to those there are, runs, and frees all of them. */
    private Map<String, FloatArray> run(
            Map<String, FloatArray> inputs, Map<String, OnnxTensor> tensors, Set<String> wanted) {
        try {
            for (Map.Entry<String, FloatArray> input : inputs.entrySet()) {
                FloatArray array = input.getValue();
                long[] shape = Arrays.stream(array.shape()).asLongStream().toArray();
                FloatBuffer values = FloatBuffer.wrap(array.values());
                tensors.put(input.getKey(), OnnxTensor.createTensor(Environment.ORT, values, shape));
            }
            return runOn(tensors, wanted);
        } catch (OrtException e) {
            throw failure(e);
        } finally {
            tensors.values().forEach(OnnxTensor::close);
        }
    }

    private Map<String, FloatArray> runOn(Map<String, OnnxTensor> inputs, Set<String> wanted) throws OrtException {
        Map<String, FloatArray> outputs = new HashMap<>();
        try (OrtSession.Result result = session.run(inputs, wanted, runOptions)) {
            for (Map.Entry<String, OnnxValue> named : result) {
                OnnxTensor output = (OnnxTensor) named.getValue();
                int[] shape = Arrays.stream(output.getInfo().getShape())
                        .mapToInt(Math::toIntExact)
                        .toArray();
                FloatBuffer buffer = output.getFloatBuffer();
                float[] values = new float[buffer.remaining()];
                buffer.get(values);
                outputs.put(named.getKey(), FloatArray.of(values, shape));
            }
        }
        return outputs;
    }

    static IllegalStateException failure(OrtException e) {
        return new IllegalStateException("ONNX Runtime: " + e.getMessage(), e);
    }

    @Override
    public void close() {
        try {
            session.close();
        } catch (OrtException e) {
            throw failure(e);
        } finally {
            runOptions.close();
            weights.forEach(OnnxTensor::close);
        }
    }
}
