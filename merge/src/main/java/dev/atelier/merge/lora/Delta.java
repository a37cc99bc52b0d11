package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a LoRA adds to a weight at strength 1, in fp64. Formulas: AUTOMATIC1111 {@code extensions-builtin/Lora}, LyCORIS.
 * Shapes are checked when a delta is made; its tensors are read when it is computed.
 */
@FunctionalInterface
interface Delta {
    /** All elements, from those of the weight. */
    double[] of(double[] weight);

    /**
     * The delta of a module's weight; empty if the module has none, such as one of biases alone.
     *
     * @throws IllegalArgumentException if its tensors do not fit the weight or one another
     */
    static Optional<Delta> of(Map<String, Tensor> parts, Shape weight) {
        return plain(parts, weight).map(delta -> {
            if (parts.containsKey("magnitude")) {
                return decomposed(delta, required(parts, "magnitude"), true, weight);
            }
            Tensor scale = parts.get("dora_scale");
            return scale == null ? delta : decomposed(delta, scale, isPerOutput(scale.shape(), weight), weight);
        });
    }

    private static Optional<Delta> plain(Map<String, Tensor> parts, Shape weight) {
        int rows = weight.rank() == 0 ? 1 : Math.toIntExact(weight.size(0));
        int columns = Math.toIntExact(weight.elements() / Math.max(1, rows));
        if (parts.containsKey("lora_up") && parts.containsKey("lora_down")) {
            return Optional.of(product(parts, weight, rows, columns));
        }
        if (parts.containsKey("hada_w1_a")) {
            return Optional.of(hadamard(parts, weight, rows, columns));
        }
        if (parts.containsKey("lokr_w1") || parts.containsKey("lokr_w1_a")) {
            return Optional.of(kronecker(parts, weight));
        }
        if (parts.containsKey("diff") || parts.containsKey("w_norm")) {
            Tensor difference = required(parts, parts.containsKey("diff") ? "diff" : "w_norm");
            requireElements("diff", difference, weight.elements());
            return Optional.of(_ -> load(difference));
        }
        if (parts.containsKey("on_input") && parts.containsKey("weight")) {
            return Optional.of(ia3(parts, weight, rows, columns));
        }
        if (parts.containsKey("oft_blocks") || parts.containsKey("oft_diag")) {
            return Optional.of(Orthogonal.of(parts, weight, rows));
        }
        if (parts.containsKey("a1") && parts.containsKey("b1")) {
            return Optional.of(generalized(parts, weight, rows, columns));
        }
        return Optional.empty();
    }

    private static Delta product(Map<String, Tensor> parts, Shape weight, int rows, int columns) {
        Tensor up = required(parts, "lora_up");
        Tensor down = required(parts, "lora_down");
        Tensor mid = parts.get("lora_mid");
        int rank = rank(down);
        double scale = scale(parts, rank);
        if (mid != null) {
            int kernel = kernel(weight);
            int middle = rank(mid);
            requireElements("lora_up", up, (long) rows * middle);
            requireElements("lora_mid", mid, (long) middle * rank * kernel);
            requireElements("lora_down", down, (long) rank * columns / kernel);
            return _ -> {
                double[] below = tucker(load(mid), middle, rank, kernel, load(down), columns / kernel);
                return multiplied(load(up), rows, middle, below, columns, scale);
            };
        }
        requireElements("lora_up", up, (long) rows * rank);
        int narrow = Math.toIntExact(down.shape().elements() / rank);
        if (narrow < columns && weight.rank() == 4 && narrow == 4 * kernel(weight) && columns == 9 * kernel(weight)) {
            // an inpainting model, of whose nine input channels ordinary ones have the first four
            return _ -> widened(multiplied(load(up), rows, rank, load(down), narrow, scale), rows, narrow, columns);
        }
        requireElements("lora_down", down, (long) rank * columns);
        return _ -> multiplied(load(up), rows, rank, load(down), columns, scale);
    }

    private static double[] widened(double[] values, int rows, int from, int to) {
        double[] wide = new double[rows * to];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * from, wide, row * to, from);
        }
        return wide;
    }

    /** {@code [m, i·k]}: the sum over n of {@code mid[m, n, k]·down[n, i]}. */
    static double[] tucker(double[] mid, int middle, int rank, int kernel, double[] down, int channels) {
        double[] result = new double[middle * channels * kernel];
        for (int m = 0; m < middle; m++) {
            for (int n = 0; n < rank; n++) {
                for (int i = 0; i < channels; i++) {
                    double factor = down[n * channels + i];
                    for (int k = 0; k < kernel; k++) {
                        result[(m * channels + i) * kernel + k] += factor * mid[(m * rank + n) * kernel + k];
                    }
                }
            }
        }
        return result;
    }

    private static Delta hadamard(Map<String, Tensor> parts, Shape weight, int rows, int columns) {
        double scale = scale(parts, rank(required(parts, "hada_w1_b")));
        Delta first = half(parts, "1", weight, rows, columns);
        Delta second = half(parts, "2", weight, rows, columns);
        return w -> {
            double[] result = first.of(w);
            double[] other = second.of(w);
            for (int i = 0; i < result.length; i++) {
                result[i] *= scale * other[i];
            }
            return result;
        };
    }

    private static Delta half(Map<String, Tensor> parts, String which, Shape weight, int rows, int columns) {
        Tensor a = required(parts, "hada_w%s_a".formatted(which));
        Tensor b = required(parts, "hada_w%s_b".formatted(which));
        Tensor core = parts.get("hada_t" + which);
        int rank = rank(b);
        requireElements("hada_w%s_a".formatted(which), a, (long) rows * rank);
        if (core == null) {
            requireElements("hada_w%s_b".formatted(which), b, (long) rank * columns);
            return _ -> multiplied(load(a), rows, rank, load(b), columns, 1);
        }
        int kernel = kernel(weight);
        requireElements("hada_w%s_b".formatted(which), b, (long) rank * columns / kernel);
        requireElements("hada_t" + which, core, (long) rank * rank * kernel);
        return _ -> {
            double[] below = tucker(load(core), rank, rank, kernel, load(b), columns / kernel);
            return multiplied(transposed(load(a), rank, rows), rows, rank, below, columns, 1);
        };
    }

    private static Delta kronecker(Map<String, Tensor> parts, Shape weight) {
        Factor first = factor(parts, "1", 1);
        Factor second = factor(parts, "2", weight.rank() > 2 ? kernel(weight) : 1);
        int rank = second.rank > 0 ? second.rank : first.rank;
        double scale = rank > 0 ? scale(parts, rank) : explicitScale(parts).orElse(1.0);
        int kernel = second.kernel;
        long out = (long) first.rows * second.rows;
        long in = (long) first.columns * second.columns;
        if (out * in * kernel != weight.elements() || out != weight.size(0)) {
            throw new IllegalArgumentException("its Kronecker product is [%d, %d]".formatted(out, in));
        }
        return _ -> {
            double[] a = first.values.get();
            double[] b = second.values.get();
            double[] result = new double[a.length * b.length];
            for (int ar = 0; ar < first.rows; ar++) {
                for (int br = 0; br < second.rows; br++) {
                    for (int ac = 0; ac < first.columns; ac++) {
                        double factor = scale * a[ar * first.columns + ac];
                        int length = second.columns * kernel;
                        int to = ((ar * second.rows + br) * first.columns + ac) * length;
                        for (int i = 0; i < length; i++) {
                            result[to + i] = factor * b[br * length + i];
                        }
                    }
                }
            }
            return result;
        };
    }

    /**
     * One factor of a Kronecker product.
     *
     * @param rank 0 where it is stored whole
     */
    record Factor(int rows, int columns, int kernel, int rank, Supplier<double[]> values) {}

    private static Factor factor(Map<String, Tensor> parts, String which, int kernel) {
        Tensor whole = parts.get("lokr_w" + which);
        if (whole != null) {
            int rows = rank(whole);
            int taps = whole.shape().rank() > 2 ? kernel(whole.shape()) : 1;
            int columns = Math.toIntExact(whole.shape().elements() / rows / taps);
            return new Factor(rows, columns, taps, 0, () -> load(whole));
        }
        Tensor a = required(parts, "lokr_w%s_a".formatted(which));
        Tensor b = required(parts, "lokr_w%s_b".formatted(which));
        Tensor core = parts.get("lokr_t" + which);
        int rank = rank(b);
        int wide = Math.toIntExact(b.shape().elements() / rank);
        int rows = Math.toIntExact(a.shape().elements() / rank);
        requireElements("lokr_w%s_a".formatted(which), a, (long) rows * rank);
        if (core == null) {
            return new Factor(
                    rows, wide / kernel, kernel, rank, () -> multiplied(load(a), rows, rank, load(b), wide, 1));
        }
        int taps = kernel(core.shape());
        requireElements("lokr_t" + which, core, (long) rank * rank * taps);
        return new Factor(
                rows,
                wide,
                taps,
                rank,
                () -> multiplied(
                        transposed(load(a), rank, rows),
                        rows,
                        rank,
                        tucker(load(core), rank, rank, taps, load(b), wide),
                        wide * taps,
                        1));
    }

    private static Delta ia3(Map<String, Tensor> parts, Shape weight, int rows, int columns) {
        Tensor factors = required(parts, "weight");
        double[] flag = load(required(parts, "on_input"));
        boolean onInput = flag.length > 0 && flag[0] != 0;
        int kernel = weight.rank() > 2 ? kernel(weight) : 1;
        requireElements("weight", factors, onInput ? columns / kernel : rows);
        return w -> {
            double[] factor = load(factors);
            double[] result = new double[w.length];
            for (int i = 0; i < w.length; i++) {
                result[i] = w[i] * factor[onInput ? i % columns / kernel : i / columns];
            }
            return result;
        };
    }

    /**
     * GLoRA (Chavan et al. 2023): B1·B2 + W·A1·A2, over the input channels of W. Older files have the factors the other way round:
     * B2·B1 + W·A2·A1.
     */
    private static Delta generalized(Map<String, Tensor> parts, Shape weight, int rows, int columns) {
        int channels = columns / kernel(weight);
        boolean isNew = rank(required(parts, "a1")) == channels && rank(required(parts, "b1")) == rows;
        Tensor high = required(parts, isNew ? "a1" : "a2");
        Tensor wide = required(parts, isNew ? "a2" : "a1");
        Tensor up = required(parts, isNew ? "b1" : "b2");
        Tensor down = required(parts, isNew ? "b2" : "b1");
        int inner = rank(wide);
        double scale = scale(parts, inner);
        requireElements("a1 or a2", high, (long) channels * inner);
        requireElements("a1 or a2", wide, (long) inner * channels);
        requireElements("b1 or b2", up, (long) rows * rank(down));
        requireElements("b1 or b2", down, (long) rank(down) * columns);
        return w -> {
            double[] result = multiplied(load(up), rows, rank(down), load(down), columns, scale);
            double[] between = multiplied(load(high), channels, inner, load(wide), channels, scale);
            int kernel = columns / channels;
            for (int i = 0; i < w.length; i++) {
                int row = i / columns;
                int tap = i % kernel;
                int to = row * columns + tap;
                int from = i % columns / kernel * channels;
                for (int j = 0; j < channels; j++) {
                    result[to + j * kernel] += w[i] * between[from + j];
                }
            }
            return result;
        };
    }

    /** DoRA: the direction of the changed weight at the length that the file gives, per output or per input channel. */
    private static Delta decomposed(Delta delta, Tensor length, boolean perOutput, Shape weight) {
        int rows = Math.toIntExact(weight.size(0));
        int columns = Math.toIntExact(weight.elements() / rows);
        int kernel = weight.rank() > 2 ? kernel(weight) : 1;
        requireElements("dora_scale", length, perOutput ? rows : columns / kernel);
        return w -> {
            double[] changed = delta.of(w);
            double[] factor = load(length);
            double[] squares = new double[factor.length];
            for (int i = 0; i < w.length; i++) {
                changed[i] += w[i];
                squares[perOutput ? i / columns : i % columns / kernel] += changed[i] * changed[i];
            }
            for (int c = 0; c < factor.length; c++) {
                factor[c] = squares[c] == 0 ? 0 : factor[c] / Math.sqrt(squares[c]);
            }
            for (int i = 0; i < w.length; i++) {
                changed[i] = changed[i] * factor[perOutput ? i / columns : i % columns / kernel] - w[i];
            }
            return changed;
        };
    }

    /** The axis that is not 1 says which; older LyCORIS files have one length per input channel, newer per output. */
    private static boolean isPerOutput(Shape lengths, Shape weight) {
        return lengths.rank() < 2 || (lengths.size(0) == weight.size(0) && lengths.size(0) != 1);
    }

    /** What the product of the factors is multiplied by. */
    static double scale(Map<String, Tensor> parts, int rank) {
        Tensor alpha = parts.get("alpha");
        return explicitScale(parts).orElse(alpha == null ? 1.0 : scalar("alpha", alpha) / rank);
    }

    static Optional<Double> explicitScale(Map<String, Tensor> parts) {
        return Optional.ofNullable(parts.get("scale")).map(scale -> scalar("scale", scale));
    }

    static double scalar(String part, Tensor tensor) {
        requireElements(part, tensor, 1);
        return load(tensor)[0];
    }

    private static double[] multiplied(double[] up, int rows, int rank, double[] down, int columns, double scale) {
        double[] result = new double[rows * columns];
        for (int row = 0; row < rows; row++) {
            for (int r = 0; r < rank; r++) {
                double factor = scale * up[row * rank + r];
                int from = r * columns;
                int to = row * columns;
                for (int i = 0; i < columns; i++) {
                    result[to + i] += factor * down[from + i];
                }
            }
        }
        return result;
    }

    private static double[] transposed(double[] matrix, int rows, int columns) {
        double[] result = new double[matrix.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                result[column * rows + row] = matrix[row * columns + column];
            }
        }
        return result;
    }

    /** The product of all axes behind the input channels. */
    private static int kernel(Shape shape) {
        long taps = 1;
        for (int axis = 2; axis < shape.rank(); axis++) {
            taps *= shape.size(axis);
        }
        return Math.toIntExact(Math.max(1, taps));
    }

    static int rank(Tensor tensor) {
        if (tensor.shape().rank() < 2 || tensor.shape().elements() == 0) {
            throw new IllegalArgumentException("a factor is %s, not a matrix".formatted(tensor.shape()));
        }
        return Math.toIntExact(tensor.shape().size(0));
    }

    static Tensor required(Map<String, Tensor> parts, String part) {
        Tensor tensor = parts.get(part);
        if (tensor == null) {
            throw new IllegalArgumentException("%s is missing".formatted(part));
        }
        return tensor;
    }

    private static void requireElements(String part, Tensor tensor, long elements) {
        if (tensor.shape().elements() != elements) {
            throw new IllegalArgumentException("%s is %s".formatted(part, tensor.shape()));
        }
    }

    static double[] load(Tensor tensor) {
        double[] values = new double[Math.toIntExact(tensor.shape().elements())];
        try (Scratch scratch = Scratch.borrow()) {
            double[] block = scratch.doubles();
            for (int first = 0; first < values.length; first += Scratch.SIZE) {
                int count = Math.min(Scratch.SIZE, values.length - first);
                tensor.read(first, block, count);
                System.arraycopy(block, 0, values, first, count);
            }
        }
        return values;
    }
}
