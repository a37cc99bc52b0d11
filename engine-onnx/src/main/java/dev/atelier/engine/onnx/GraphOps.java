package dev.atelier.engine.onnx;

import dev.atelier.model.FloatArray;
import dev.atelier.model.Ops;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;

/**
 * The networks' operations as nodes of an ONNX graph that every ONNX Runtime runs, on weights as checkpoints store them.
 * ONNX Runtime's own operators are used where they save a pass over the data or a copy of a weight.
 */
class GraphOps implements Ops<GraphValue> {
    final OnnxGraph graph;

    GraphOps(OnnxGraph graph) {
        this.graph = graph;
    }

    @Override
    public GraphValue constant(FloatArray values) {
        return graph.constant(values);
    }

    @Override
    public GraphValue add(GraphValue a, GraphValue b) {
        return graph.onnx("Add", List.of(a, b));
    }

    @Override
    public GraphValue mul(GraphValue a, GraphValue b) {
        return graph.onnx("Mul", List.of(a, b));
    }

    @Override
    public GraphValue scale(GraphValue x, double factor) {
        return mul(x, graph.constant(FloatArray.of(new float[] {(float) factor}, 1)));
    }

    @Override
    public GraphValue addToChannels(GraphValue image, GraphValue perChannel) {
        return add(image, graph.onnx("Unsqueeze", List.of(perChannel, graph.constant(2, 3))));
    }

    @Override
    public GraphValue sin(GraphValue x) {
        return graph.onnx("Sin", List.of(x));
    }

    @Override
    public GraphValue cos(GraphValue x) {
        return graph.onnx("Cos", List.of(x));
    }

    @Override
    public GraphValue tanh(GraphValue x) {
        return graph.onnx("Tanh", List.of(x));
    }

    @Override
    public GraphValue relu(GraphValue x) {
        return graph.onnx("Relu", List.of(x));
    }

    @Override
    public GraphValue leakyRelu(GraphValue x, double slope) {
        return graph.onnx("LeakyRelu", List.of(x), Attribute.of("alpha", (float) slope));
    }

    @Override
    public GraphValue prelu(GraphValue image, GraphValue slopes) {
        return graph.onnx("PRelu", List.of(image, perChannel(slopes)));
    }

    @Override
    public GraphValue silu(GraphValue x) {
        return sigmoidLinear(x, 1);
    }

    @Override
    public GraphValue gelu(GraphValue x) {
        return graph.onnx("Gelu", List.of(x));
    }

    @Override
    public GraphValue quickGelu(GraphValue x) {
        return sigmoidLinear(x, 1.702f);
    }

    /** x · σ(alpha x) */
    private GraphValue sigmoidLinear(GraphValue x, float alpha) {
        return graph.microsoft("QuickGelu", List.of(x), Attribute.of("alpha", alpha));
    }

    @Override
    public GraphValue linear(GraphValue x, GraphValue weight, GraphValue bias) {
        return add(linear(x, weight), bias);
    }

    /** ONNX's own operators would need a transposed copy of the weight. */
    @Override
    public GraphValue linear(GraphValue x, GraphValue weight) {
        return graph.microsoft("FusedMatMul", List.of(x, weight), Attribute.of("transB", 1));
    }

    @Override
    public GraphValue matmul(GraphValue x, GraphValue matrix) {
        return graph.onnx("MatMul", List.of(x, matrix));
    }

    @Override
    public GraphValue conv2d(GraphValue image, GraphValue weight, GraphValue bias, int stride, int padding) {
        return graph.onnx(
                "Conv",
                List.of(image, weight, bias),
                Attribute.of("strides", new long[] {stride, stride}),
                Attribute.of("pads", new long[] {padding, padding, padding, padding}));
    }

    @Override
    public GraphValue pad(GraphValue image, int rows, int columns) {
        return graph.onnx("Pad", List.of(image, graph.constant(0, 0, 0, 0, 0, 0, rows, columns)));
    }

    @Override
    public GraphValue groupNorm(GraphValue image, int groups, GraphValue weight, GraphValue bias, double epsilon) {
        float[] ones = new float[groups];
        Arrays.fill(ones, 1);
        GraphValue grouped = graph.onnx("Reshape", List.of(image, graph.constant(0, groups, -1)));
        GraphValue normalized = graph.onnx(
                "InstanceNormalization",
                List.of(
                        grouped,
                        graph.constant(FloatArray.of(ones, groups)),
                        graph.constant(FloatArray.of(new float[groups], groups))),
                Attribute.of("epsilon", (float) epsilon));
        GraphValue restored = graph.onnx("Reshape", List.of(normalized, graph.onnx("Shape", List.of(image))));
        return add(mul(restored, perChannel(weight)), perChannel(bias));
    }

    /** {@code [channels]} to {@code [channels, 1, 1]} */
    GraphValue perChannel(GraphValue weight) {
        return graph.onnx("Unsqueeze", List.of(weight, graph.constant(1, 2)));
    }

    @Override
    public GraphValue layerNorm(GraphValue x, GraphValue weight, GraphValue bias, double epsilon) {
        return graph.onnx("LayerNormalization", List.of(x, weight, bias), Attribute.of("epsilon", (float) epsilon));
    }

    @Override
    public GraphValue attention(GraphValue q, GraphValue k, GraphValue v, int heads, boolean causal) {
        return graph.microsoft(
                "MultiHeadAttention",
                List.of(q, k, v),
                Attribute.of("num_heads", heads),
                Attribute.of("unidirectional", causal ? 1 : 0));
    }

    @Override
    public GraphValue onMergedTokens(
            GraphValue tokens, GraphValue compared, GraphValue image, double share, UnaryOperator<GraphValue> network) {
        TokenMerging merging = new TokenMerging(graph, compared, image, share);
        return merging.undo(network.apply(merging.apply(tokens)));
    }

    @Override
    public GraphValue embedding(GraphValue table, GraphValue ids) {
        return graph.onnx("Gather", List.of(table, ids));
    }

    @Override
    public GraphValue tokenOfLargest(GraphValue x, GraphValue ids) {
        GraphValue position = graph.onnx("ArgMax", List.of(ids), Attribute.of("axis", 1));
        return graph.onnx("GatherND", List.of(x, position), Attribute.of("batch_dims", 1));
    }

    @Override
    public GraphValue concat(int axis, GraphValue a, GraphValue b) {
        return graph.onnx("Concat", List.of(a, b), Attribute.of("axis", axis));
    }

    @Override
    public List<GraphValue> split(GraphValue x, int parts) {
        return graph.onnx(parts, "Split", List.of(x), Attribute.of("axis", -1), Attribute.of("num_outputs", parts));
    }

    @Override
    public GraphValue upsample2x(GraphValue image) {
        return graph.onnx(
                "Resize",
                List.of(image, GraphValue.NONE, graph.constant(FloatArray.of(new float[] {1, 1, 2, 2}, 4))),
                Attribute.of("mode", "nearest"),
                Attribute.of("coordinate_transformation_mode", "asymmetric"),
                Attribute.of("nearest_mode", "floor"));
    }

    @Override
    public GraphValue pixelShuffle(GraphValue image, int factor) {
        return graph.onnx(
                "DepthToSpace", List.of(image), Attribute.of("blocksize", factor), Attribute.of("mode", "CRD"));
    }

    /** ONNX puts the places within a square before the channels. */
    @Override
    public GraphValue halve(GraphValue image) {
        return graph.onnx(
                "AveragePool",
                List.of(image),
                Attribute.of("kernel_shape", new long[] {2, 2}),
                Attribute.of("strides", new long[] {2, 2}),
                Attribute.of("ceil_mode", 1));
    }

    @Override
    public GraphValue pixelUnshuffle(GraphValue picture, int factor) {
        int places = factor * factor;
        long[] order = LongStream.range(0, 3L * places)
                .map(channel -> channel % places * 3 + channel / places)
                .toArray();
        GraphValue squares = graph.onnx("SpaceToDepth", List.of(picture), Attribute.of("blocksize", factor));
        return graph.onnx("Gather", List.of(squares, graph.constant(order)), Attribute.of("axis", 1));
    }

    @Override
    public GraphValue cropTo(GraphValue image, GraphValue like) {
        GraphValue size = graph.onnx("Shape", List.of(like), Attribute.of("start", 2));
        return graph.onnx("Slice", List.of(image, graph.constant(0, 0), size, graph.constant(2, 3)));
    }

    @Override
    public GraphValue toTokens(GraphValue image) {
        return swapLastAxes(graph.onnx("Reshape", List.of(image, graph.constant(0, 0, -1))));
    }

    @Override
    public GraphValue toImage(GraphValue tokens, GraphValue like) {
        GraphValue size = graph.onnx("Shape", List.of(like), Attribute.of("start", 2));
        GraphValue shape = graph.onnx("Concat", List.of(graph.constant(0, 0), size), Attribute.of("axis", 0));
        return graph.onnx("Reshape", List.of(swapLastAxes(tokens), shape));
    }

    private GraphValue swapLastAxes(GraphValue x) {
        return graph.onnx("Transpose", List.of(x), Attribute.of("perm", new long[] {0, 2, 1}));
    }

    @Override
    public GraphValue scope(Supplier<GraphValue> part) {
        return part.get();
    }
}
