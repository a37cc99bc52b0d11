package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.onnx.OnnxGraph.ElementType;
import dev.atelier.model.Weights;

/**
 * A checkpoint's tensors as weights of {@code graph}.
 *
 * @param halves whether large ones of half precision stay so
 */
record GraphWeights(Checkpoint checkpoint, OnnxGraph graph, boolean halves) implements Weights<GraphValue> {
    private static final long LARGE = 1 << 16; // elements

    @Override
    public GraphValue get(String name) {
        Tensor tensor = checkpoint.tensor(name);
        boolean isHalf = halves && tensor.dtype() == DType.F16 && tensor.shape().elements() >= LARGE;
        return graph.weight(name, isHalf ? ElementType.FLOAT16 : ElementType.FLOAT, tensor.shape());
    }

    @Override
    public Shape shape(String name, int rank) {
        return checkpoint.tensor(name).shape();
    }
}
