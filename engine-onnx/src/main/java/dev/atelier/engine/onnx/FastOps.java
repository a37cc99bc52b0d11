package dev.atelier.engine.onnx;

import com.sun.management.OperatingSystemMXBean;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.FloatArray;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * The operations as this program runs them itself, on images of one size: the weights lie in memory as the processor
 * takes them best, and convolutions take fewer multiplications.
 */
final class FastOps extends GraphOps {
    /** With fewer channels, transforming the pixels costs more than it saves. */
    private static final int MIN_CHANNELS = 32;

    /**
     * Where images were halved more often, they have so few pixels that reading the weights takes the time, and those
     * weights, the largest, are not worth four times the memory. With little memory (bytes), none of the halved are.
     */
    private static final int MAX_HALVINGS = memory() < (12L << 30) ? 0 : 2;

    /** Bytes that the points of an image's tiles may take at once: what does not fit is convolved in bands of rows. */
    private static final long BAND = 64 << 20;

    /** With no more than these, a product for one image takes as long to read the weights as to compute. */
    private static final int FEW_TILES = 32;

    /** How many tokens {@link #eachToken} takes at a time; for two images, what is widest of them fills 5 MB in SD 1.5. */
    private static final int TOKENS = 512;

    /**
     * How many images there are, and their height and width.
     *
     * @param count {@link #ANY} for as many as come
     */
    record Size(int count, int height, int width) {
        static final int ANY = 0;

        /** Any number of images. */
        Size(int height, int width) {
            this(ANY, height, width);
        }

        private Size of(int height, int width) {
            return new Size(count, height, width);
        }
    }

    private final long band;
    private Size size; // of the image at hand, for networks are traced in the order in which they run
    private final Deque<Size> halved = new ArrayDeque<>(); // the sizes before each halving
    private int halvings;

    private static long memory() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
    }

    FastOps(OnnxGraph graph, Size size) {
        this(graph, size, BAND);
    }

    FastOps(OnnxGraph graph, Size size, long band) {
        super(graph);
        this.band = band;
        this.size = size;
    }

    @Override
    public GraphValue conv2d(GraphValue image, GraphValue weight, GraphValue bias, int stride, int padding) {
        Shape shape = graph.shape(weight);
        if (stride == 2) {
            halved.push(size);
            halvings++;
            int kernel = (int) shape.size(2);
            size = size.of((size.height + 2 * padding - kernel) / 2 + 1, (size.width + 2 * padding - kernel) / 2 + 1);
        }
        boolean worthwhile = stride == 1
                && padding == 1
                && halvings <= MAX_HALVINGS
                && Math.min(shape.size(0), shape.size(1)) >= MIN_CHANNELS;
        return worthwhile
                ? add(winograd(image, weight), perChannel(bias))
                : super.conv2d(image, weight, bias, stride, padding);
    }

    /** The weight is cut, and not the result: that takes no time. */
    @Override
    public List<GraphValue> linear(GraphValue x, GraphValue weight, GraphValue bias, int parts) {
        List<GraphValue> weights = graph.parts(weight, parts);
        List<GraphValue> biases = graph.parts(bias, parts);
        return IntStream.range(0, parts)
                .mapToObj(i -> linear(x, weights.get(i), biases.get(i)))
                .toList();
    }

    /** On so few of them at a time that what is computed stays in the processor's caches until it is used. */
    @Override
    public GraphValue eachToken(GraphValue tokens, UnaryOperator<GraphValue> network) {
        int parts = Math.ceilDiv(size.height * size.width, TOKENS);
        if (parts == 1) {
            return network.apply(tokens);
        }
        List<GraphValue> done = graph
                .onnx(parts, "Split", List.of(tokens), Attribute.of("axis", 1), Attribute.of("num_outputs", parts))
                .stream()
                .map(network)
                .toList();
        return graph.onnx("Concat", done, Attribute.of("axis", 1));
    }

    /** Tokens for channels and their numbers for pixels: ONNX Runtime's own layer norm is no vector code. */
    @Override
    public GraphValue layerNorm(GraphValue x, GraphValue weight, GraphValue bias, double epsilon) {
        GraphValue tokens = graph.onnx("Shape", List.of(x), Attribute.of("start", 1), Attribute.of("end", 2));
        GraphValue normalized = graph.onnx(
                "InstanceNormalization",
                List.of(x, filled(1, tokens), filled(0, tokens)),
                Attribute.of("epsilon", (float) epsilon));
        return add(mul(normalized, weight), bias);
    }

    private GraphValue filled(float value, GraphValue sizes) {
        return graph.onnx("Expand", List.of(graph.constant(FloatArray.of(new float[] {value}, 1)), sizes));
    }

    @Override
    public GraphValue upsample2x(GraphValue image) {
        halvings--;
        size = size.of(2 * size.height, 2 * size.width);
        return super.upsample2x(image);
    }

    @Override
    public GraphValue pad(GraphValue image, int rows, int columns) {
        size = size.of(size.height + rows, size.width + columns);
        return super.pad(image, rows, columns);
    }

    @Override
    public GraphValue cropTo(GraphValue image, GraphValue like) {
        Size doubled = size;
        size = halved.pop();
        return doubled.equals(size) ? image : super.cropTo(image, like);
    }

    /** See {@link Winograd}. */
    private GraphValue winograd(GraphValue image, GraphValue weight) {
        long channels = graph.shape(weight).size(1);
        int rows = tiles(size.height);
        long points = channels * Winograd.POINTS * rows * tiles(size.width) * Float.BYTES;
        int bands = Math.clamp(Math.ceilDiv(points, band), 1, rows);
        List<GraphValue> results = new ArrayList<>();
        for (int i = 0; i < bands; i++) {
            results.add(winograd(image, weight, rows * i / bands, rows * (i + 1) / bands));
        }
        GraphValue whole = bands == 1 ? results.getFirst() : graph.onnx("Concat", results, Attribute.of("axis", 2));
        return size.height % Winograd.TILE == 0 && size.width % Winograd.TILE == 0
                ? whole
                : graph.onnx(
                        "Slice",
                        List.of(
                                whole,
                                graph.constant(0, 0),
                                graph.constant(size.height, size.width),
                                graph.constant(2, 3)));
    }

    private static int tiles(int pixels) {
        return Math.ceilDiv(pixels, Winograd.TILE);
    }

    /** The tiles in the rows from {@code first} to before {@code end}. */
    private GraphValue winograd(GraphValue image, GraphValue weight, int first, int end) {
        long channels = graph.shape(weight).size(1);
        int columns = tiles(size.width);
        boolean top = first == 0;
        boolean bottom = end == tiles(size.height);
        GraphValue part = top && bottom
                ? image
                : graph.onnx(
                        "Slice",
                        List.of(
                                image,
                                graph.constant(top ? 0 : first * Winograd.TILE - 1),
                                graph.constant(bottom ? size.height : end * Winograd.TILE + 1),
                                graph.constant(2)));
        GraphValue points = graph.onnx(
                "Conv",
                List.of(reshape(part, -1, 1, 0, 0), graph.constant(Winograd.PIXELS)),
                Attribute.of("strides", new long[] {Winograd.TILE, Winograd.TILE}),
                Attribute.of("pads", new long[] {top ? 1 : 0, 1, bottom ? Winograd.TILE : 0, Winograd.TILE}));
        GraphValue byChannel = reshape(points, -1, channels, Winograd.POINTS, (long) (end - first) * columns);
        return (end - first) * columns <= FEW_TILES
                ? convolvedTogether(byChannel, weight, end - first, columns)
                : convolvedSingly(byChannel, weight, end - first, columns);
    }

    /** @param byChannel {@code [n, channels, points, tiles]} */
    private GraphValue convolvedSingly(GraphValue byChannel, GraphValue weight, int rows, int columns) {
        long outputs = graph.shape(weight).size(0);
        GraphValue byPoint = graph.onnx("Transpose", List.of(byChannel), Attribute.of("perm", new long[] {0, 2, 1, 3}));
        GraphValue sums = graph.onnx("MatMul", List.of(graph.in(WeightForm.WINOGRAD, weight), byPoint));
        GraphValue pixels =
                graph.onnx("MatMul", List.of(graph.constant(Winograd.RESULTS), reshape(sums, 0, Winograd.POINTS, -1)));
        return graph.onnx(
                "DepthToSpace",
                List.of(reshape(pixels, 0, Winograd.TILE * Winograd.TILE * outputs, rows, columns)),
                Attribute.of("blocksize", Winograd.TILE));
    }

    /**
     * The tiles of all images in one product, so that the weights are read once.
     *
     * @param byChannel {@code [n, channels, points, tiles]}
     */
    private GraphValue convolvedTogether(GraphValue byChannel, GraphValue weight, int rows, int columns) {
        Shape shape = graph.shape(weight);
        GraphValue byPoint = graph.onnx("Transpose", List.of(byChannel), Attribute.of("perm", new long[] {2, 1, 0, 3}));
        GraphValue sums = graph.onnx(
                "MatMul",
                List.of(graph.in(WeightForm.WINOGRAD, weight), reshape(byPoint, Winograd.POINTS, shape.size(1), -1)));
        GraphValue pixels =
                graph.onnx("MatMul", List.of(graph.constant(Winograd.RESULTS), reshape(sums, Winograd.POINTS, -1)));
        GraphValue images = graph.onnx(
                "DepthToSpace",
                List.of(reshape(pixels, 1, -1, rows, columns)),
                Attribute.of("blocksize", Winograd.TILE));
        return graph.onnx(
                "Transpose",
                List.of(reshape(
                        images, shape.size(0), -1, (long) rows * Winograd.TILE, (long) columns * Winograd.TILE)),
                Attribute.of("perm", new long[] {1, 0, 2, 3}));
    }

    private GraphValue reshape(GraphValue x, long... sizes) {
        return graph.onnx("Reshape", List.of(x, graph.constant(sizes)));
    }

    /** A bias that is no weight is a constant, as of convolutions that have none. */
    @Override
    GraphValue perChannel(GraphValue weight) {
        return graph.isWeight(weight) ? graph.in(WeightForm.PER_CHANNEL, weight) : super.perChannel(weight);
    }
}
