package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Shape;
import java.util.List;

/**
 * The operations as this program runs them itself: the weights lie in memory as the processor takes them best, and
 * convolutions take fewer multiplications.
 */
final class FastOps extends GraphOps {
    /** With fewer channels, transforming the pixels costs more than it saves. */
    private static final int MIN_CHANNELS = 32;

    /**
     * Where images were halved more often, they have so few pixels that reading the weights takes the time, and those
     * weights, the largest, are not worth four times the memory.
     */
    private static final int MAX_HALVINGS = 2;

    private int halvings; // of the image at hand, for networks are traced in the order in which they run

    FastOps(OnnxGraph graph) {
        super(graph);
    }

    @Override
    public GraphValue conv2d(GraphValue image, GraphValue weight, GraphValue bias, int stride, int padding) {
        if (stride == 2) {
            halvings++;
        }
        Shape shape = graph.shape(weight);
        boolean worthwhile = stride == 1
                && padding == 1
                && halvings <= MAX_HALVINGS
                && Math.min(shape.size(0), shape.size(1)) >= MIN_CHANNELS;
        return worthwhile
                ? add(winograd(image, weight), perChannel(bias))
                : super.conv2d(image, weight, bias, stride, padding);
    }

    @Override
    public GraphValue upsample2x(GraphValue image) {
        halvings--;
        return super.upsample2x(image);
    }

    /** See {@link Winograd}; c channels become o, and there are t tiles of pixels. */
    private GraphValue winograd(GraphValue image, GraphValue weight) {
        GraphValue kernels = graph.in(WeightForm.WINOGRAD, weight); // [points, o, c]
        long outputs = graph.shape(weight).size(0);
        long channels = graph.shape(weight).size(1);
        GraphValue tiles = graph.onnx(
                "Conv",
                List.of(
                        graph.onnx("Reshape", List.of(image, graph.constant(-1, 1, 0, 0))),
                        graph.constant(Winograd.PIXELS)),
                Attribute.of("strides", new long[] {Winograd.TILE, Winograd.TILE}),
                Attribute.of("pads", new long[] {1, 1, Winograd.TILE, Winograd.TILE})); // as many as make tiles whole
        GraphValue byChannel = reshape(tiles, size(image, 0, 1), graph.constant(channels, Winograd.POINTS, -1));
        GraphValue byPoint = graph.onnx("Transpose", List.of(byChannel), Attribute.of("perm", new long[] {0, 2, 1, 3}));
        GraphValue products = graph.onnx("MatMul", List.of(kernels, byPoint)); // [n, points, o, t]
        GraphValue flat = graph.onnx("Reshape", List.of(products, graph.constant(0, Winograd.POINTS, -1)));
        GraphValue pixels = graph.onnx("MatMul", List.of(graph.constant(Winograd.RESULTS), flat));
        GraphValue blocks =
                reshape(pixels, graph.constant(0, Winograd.TILE * Winograd.TILE * outputs), size(tiles, 2, 4));
        GraphValue whole = graph.onnx("DepthToSpace", List.of(blocks), Attribute.of("blocksize", Winograd.TILE));
        return cropTo(whole, image);
    }

    private GraphValue reshape(GraphValue x, GraphValue... sizes) {
        return graph.onnx("Reshape", List.of(x, graph.onnx("Concat", List.of(sizes), Attribute.of("axis", 0))));
    }

    /** The sizes of the axes from {@code start} to before {@code end}. */
    private GraphValue size(GraphValue x, int start, int end) {
        return graph.onnx("Shape", List.of(x), Attribute.of("start", start), Attribute.of("end", end));
    }

    @Override
    GraphValue perChannel(GraphValue weight) {
        return graph.in(WeightForm.PER_CHANNEL, weight);
    }
}
