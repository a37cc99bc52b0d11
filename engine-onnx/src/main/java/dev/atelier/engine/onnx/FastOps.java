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
     * weights, the largest, are not worth more memory. With little memory (bytes), none of the halved are. The last that
     * are take {@link Winograd#FOUR_BY_TWO}.
     */
    private static final int MAX_HALVINGS = memory() < (12L << 30) ? 0 : 2;

    /** Bytes that the points of an image's tiles may take at once: what does not fit is convolved in bands of rows. */
    private static final long BAND = 64 << 20;

    /** With no more than these, a product for one image takes as long to read the weights as to compute. */
    private static final int FEW_TILES = 32;

    /** With no more than these, the same goes for a convolution as it is defined. */
    private static final int FEW_PIXELS = 64;

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

        /** Whether other images are of the same height and width. */
        boolean isAsLarge(Size other) {
            return other.height == height && other.width == width;
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
        if (!worthwhile) {
            // before any halving it may be a single image still, which guidance asks of twice
            boolean several = size.count > 1 && halvings > 0;
            boolean few = stride == 1 && padding == 1 && size.height * size.width <= FEW_PIXELS;
            return several && few
                    ? convolvedAtOnce(image, weight, bias)
                    : super.conv2d(image, weight, bias, stride, padding);
        }
        Winograd winograd = halvings == MAX_HALVINGS ? Winograd.FOUR_BY_TWO : Winograd.FOUR_BY_FOUR;
        return add(winograd(winograd, image, weight), perChannel(bias));
    }

    /** A 3 × 3 convolution as one product for all images, so that the weights are read once. */
    private GraphValue convolvedAtOnce(GraphValue image, GraphValue weight, GraphValue bias) {
        GraphValue padded = graph.onnx("Pad", List.of(image, graph.constant(0, 0, 1, 1, 0, 0, 1, 1)));
        List<GraphValue> shifted = new ArrayList<>();
        for (int tap = 0; tap < 9; tap++) {
            int top = tap / 3;
            int left = tap % 3;
            GraphValue part = graph.onnx(
                    "Slice",
                    List.of(
                            padded,
                            graph.constant(top, left),
                            graph.constant(top + size.height, left + size.width),
                            graph.constant(2, 3)));
            shifted.add(graph.onnx("Unsqueeze", List.of(part, graph.constant(2))));
        }
        GraphValue taps = transpose(graph.onnx("Concat", shifted, Attribute.of("axis", 2)), 1, 2, 0, 3, 4);
        GraphValue matrix = graph.in(WeightForm.MATRIX, weight);
        Shape shape = graph.shape(matrix);
        GraphValue sums = graph.onnx("MatMul", List.of(matrix, reshape(taps, shape.size(1), -1)));
        long pixels = (long) size.height * size.width;
        GraphValue images = transpose(reshape(sums, shape.size(0), -1, pixels), 1, 0, 2);
        return add(reshape(images, -1, shape.size(0), size.height, size.width), perChannel(bias));
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
    public GraphValue pixelShuffle(GraphValue image, int factor) {
        size = size.of(size.height * factor, size.width * factor);
        return super.pixelShuffle(image, factor);
    }

    @Override
    public GraphValue pixelUnshuffle(GraphValue picture, int factor) {
        size = size.of(size.height / factor, size.width / factor);
        return super.pixelUnshuffle(picture, factor);
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

    /** A convolution as {@code winograd} does it, without its bias. */
    GraphValue winograd(Winograd winograd, GraphValue image, GraphValue weight) {
        long channels = graph.shape(weight).size(1);
        Tiles all = new Tiles(
                winograd, Math.ceilDiv(size.height, winograd.height()), Math.ceilDiv(size.width, winograd.width()));
        long points = channels * winograd.points() * all.count() * Float.BYTES;
        int bands = Math.clamp(Math.ceilDiv(points, band), 1, all.rows);
        List<GraphValue> results = new ArrayList<>();
        for (int i = 0; i < bands; i++) {
            results.add(winograd(all, image, weight, all.rows * i / bands, all.rows * (i + 1) / bands));
        }
        GraphValue whole = bands == 1 ? results.getFirst() : graph.onnx("Concat", results, Attribute.of("axis", 2));
        return size.height % winograd.height() == 0 && size.width % winograd.width() == 0
                ? whole
                : graph.onnx(
                        "Slice",
                        List.of(
                                whole,
                                graph.constant(0, 0),
                                graph.constant(size.height, size.width),
                                graph.constant(2, 3)));
    }

    private record Tiles(Winograd winograd, int rows, int columns) {
        int count() {
            return rows * columns;
        }

        /** Pixels of {@code [n, channels, height, width]} images. */
        long height() {
            return (long) rows * winograd.height();
        }

        long width() {
            return (long) columns * winograd.width();
        }
    }

    /** The tiles in the rows from {@code first} to before {@code end}. */
    private GraphValue winograd(Tiles all, GraphValue image, GraphValue weight, int first, int end) {
        Winograd winograd = all.winograd;
        int height = winograd.height();
        boolean top = first == 0;
        boolean bottom = end == all.rows;
        GraphValue part = top && bottom
                ? image
                : graph.onnx(
                        "Slice",
                        List.of(
                                image,
                                graph.constant(top ? 0 : first * height - 1),
                                graph.constant(bottom ? size.height : end * height + 1),
                                graph.constant(2)));
        Tiles tiles = new Tiles(winograd, end - first, all.columns);
        boolean together = tiles.count() <= FEW_TILES;
        boolean strided = !together && size.count > 1; // for a single image, as large as the VAE's, copying is faster
        GraphValue planes = strided ? transpose(part, 1, 0, 2, 3) : part;
        GraphValue points = graph.onnx(
                "Conv",
                List.of(reshape(planes, -1, 1, 0, 0), graph.constant(winograd.pixels())),
                Attribute.of("strides", new long[] {height, winograd.width()}),
                Attribute.of("pads", new long[] {top ? 1 : 0, 1, bottom ? height : 0, winograd.width()}));
        GraphValue transformed = graph.in(winograd.form(), weight);
        long outputs = graph.shape(weight).size(0);
        long channels = graph.shape(weight).size(1);
        if (strided) {
            GraphValue byChannel = reshape(points, channels, -1, winograd.points(), tiles.count());
            // each product takes its rows from between the others'
            Attribute between = Attribute.of("transBatchB", 1);
            return restored(tiles, outputs, graph.microsoft("FusedMatMul", List.of(transformed, byChannel), between));
        }
        GraphValue byChannel = reshape(points, -1, channels, winograd.points(), tiles.count());
        if (together) {
            return convolvedTogether(tiles, byChannel, transformed);
        }
        GraphValue byPoint = transpose(byChannel, 0, 2, 1, 3);
        return restored(tiles, outputs, graph.onnx("MatMul", List.of(transformed, byPoint)));
    }

    /** @param products {@code [n, points, outputs, tiles]} */
    private GraphValue restored(Tiles tiles, long outputs, GraphValue products) {
        Winograd winograd = tiles.winograd;
        GraphValue sums = reshape(products, 0, winograd.points(), -1);
        GraphValue pixels = graph.onnx("MatMul", List.of(graph.constant(winograd.results()), sums));
        int height = winograd.height();
        int width = winograd.width();
        if (height == width) {
            return graph.onnx(
                    "DepthToSpace",
                    List.of(reshape(pixels, 0, outputs * height * width, tiles.rows, tiles.columns)),
                    Attribute.of("blocksize", height));
        }
        GraphValue apart = reshape(pixels, 0, height, width, outputs, tiles.rows, tiles.columns);
        return reshape(transpose(apart, 0, 3, 4, 1, 5, 2), 0, outputs, tiles.height(), tiles.width());
    }

    /**
     * The tiles of all images in one product, so that the weights are read once.
     *
     * @param byChannel {@code [n, channels, points, tiles]}
     */
    private GraphValue convolvedTogether(Tiles tiles, GraphValue byChannel, GraphValue weight) {
        Winograd winograd = tiles.winograd;
        Shape shape = graph.shape(weight);
        GraphValue byPoint = reshape(transpose(byChannel, 2, 1, 0, 3), winograd.points(), shape.size(3), -1);
        GraphValue sums = reshape(graph.onnx("MatMul", List.of(weight, byPoint)), winograd.points(), -1);
        GraphValue pixels = reshape(
                graph.onnx("MatMul", List.of(graph.constant(winograd.results()), sums)),
                winograd.height(),
                winograd.width(),
                shape.size(2),
                -1,
                tiles.rows,
                tiles.columns);
        return reshape(transpose(pixels, 3, 2, 4, 0, 5, 1), -1, shape.size(2), tiles.height(), tiles.width());
    }

    private GraphValue transpose(GraphValue x, long... axes) {
        return graph.onnx("Transpose", List.of(x), Attribute.of("perm", axes));
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
