package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.Weights;

/** A checkpoint's tensors as weights of {@code graph} that lie outside it, in {@code file}. */
record GraphWeights(Checkpoint checkpoint, OnnxGraph graph, WeightFile file) implements Weights<GraphValue> {
    @Override
    public GraphValue get(String name) {
        Shape shape = checkpoint.tensor(name).shape();
        return graph.weight(name, shape, file.name(), file.offset(name));
    }

    @Override
    public Shape shape(String name, int rank) {
        return checkpoint.tensor(name).shape();
    }
}
