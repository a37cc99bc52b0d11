package dev.atelier.engine.onnx;

import com.sun.management.OperatingSystemMXBean;
import dev.atelier.checkpoint.Shape;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

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

    /** The height and width of an image. */
    record Size(int height, int width) {}

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
            size = new Size((size.height + 2 * padding - kernel) / 2 + 1, (size.width + 2 * padding - kernel) / 2 + 1);
        }
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
        size = new Size(2 * size.height, 2 * size.width);
        return super.upsample2x(image);
    }

    @Override
    public GraphValue pad(GraphValue image, int rows, int columns) {
        size = new Size(size.height + rows, size.width + columns);
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
        long outputs = graph.shape(weight).size(0);
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
        GraphValue byPoint = graph.onnx("Transpose", List.of(byChannel), Attribute.of("perm", new long[] {0, 2, 1, 3}));
        GraphValue sums = graph.onnx("MatMul", List.of(graph.in(WeightForm.WINOGRAD, weight), byPoint));
        GraphValue pixels =
                graph.onnx("MatMul", List.of(graph.constant(Winograd.RESULTS), reshape(sums, 0, Winograd.POINTS, -1)));
        return graph.onnx(
                "DepthToSpace",
                List.of(reshape(pixels, 0, Winograd.TILE * Winograd.TILE * outputs, end - first, columns)),
                Attribute.of("blocksize", Winograd.TILE));
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
