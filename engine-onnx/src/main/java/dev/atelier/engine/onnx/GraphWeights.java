package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.Weights;

/** A checkpoint's tensors as weights of {@code graph}. */
record GraphWeights(Checkpoint checkpoint, OnnxGraph graph) implements Weights<GraphValue> {
    @Override
    public GraphValue get(String name) {
        return graph.weight(name, checkpoint.tensor(name).shape());
    }

    @Override
    public Shape shape(String name, int rank) {
        return checkpoint.tensor(name).shape();
    }
}
