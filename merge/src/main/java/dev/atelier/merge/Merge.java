package dev.atelier.merge;

import static dev.atelier.merge.TorchArithmetic.minus;
import static dev.atelier.merge.TorchArithmetic.plus;
import static dev.atelier.merge.TorchArithmetic.times;
import static dev.atelier.merge.TorchArithmetic.zeros;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BinaryOperator;

/**
 * The merge methods of AUTOMATIC1111's Checkpoint Merger, as views: nothing is computed until the result is read, and
 * what is read has the bits that the original computes ({@code modules/extras.py}, version 1.10.1).
 *
 * <p>A tensor takes part if its name contains "model" and both checkpoints have it. Everything else comes from A: tensors
 * that only A has, the noise schedule ({@code alphas_cumprod}, …) and {@code position_ids}, whose integers averaging
 * would damage. What only B has is dropped.
 */
public final class Merge {
    private Merge() {}

    /**
     * Weighted sum: (1 − M)·A + M·B.
     *
     * @param m the multiplier M; 0 gives A, 1 gives B, values outside [0, 1] extrapolate
     * @throws InvalidCheckpointException if the two do not fit together, naming the first tensor that does not
     */
    public static Checkpoint weightedSum(Checkpoint a, Checkpoint b, double m) {
        return combine(Layout.normalize(a), Layout.normalize(b), (x, y) -> plus(times(x, 1 - m), times(y, m)));
    }

    /**
     * Add difference: A + M·(B − C): what B learnt on top of C, added to A. Where C lacks a tensor, the difference is 0.
     *
     * @throws InvalidCheckpointException if the three do not fit together, naming the first tensor that does not
     */
    public static Checkpoint addDifference(Checkpoint a, Checkpoint b, Checkpoint c, double m) {
        Checkpoint base = Layout.normalize(c);
        Checkpoint tuned = Layout.normalize(b);
        Checkpoint difference = tuned.map((name, y) -> takesPart(name)
                        ? base.find(name)
                                .map(z -> difference(name, tuned, y, base, z))
                                .orElseGet(() -> noDifference(name, tuned, y))
                        : y)
                .withMetadata(mergedMetadata(tuned, base))
                .withSourcesOf(base);
        return combine(Layout.normalize(a), difference, (x, d) -> plus(x, times(d, m)));
    }

    /**
     * Converts a merged model as the merger's "Save as float16" does, to any floating type: the noise schedule and other
     * tensors outside the model proper keep their type, integers too.
     */
    public static Checkpoint saveAs(Checkpoint merged, DType dtype) {
        return merged.map(
                (name, tensor) -> name.contains("model") && tensor.dtype().isFloating() ? tensor.to(dtype) : tensor);
    }

    private static boolean takesPart(String name) {
        return name.contains("model") && !name.endsWith("position_ids");
    }

    private static Tensor difference(String name, Checkpoint b, Tensor y, Checkpoint c, Tensor z) {
        requireNumbers(name, b, y);
        requireNumbers(name, c, z);
        if (!y.shape().equals(z.shape())) {
            throw mismatch(name, b, y, c, z);
        }
        return minus(y, z);
    }

    private static Tensor noDifference(String name, Checkpoint b, Tensor y) {
        requireNumbers(name, b, y);
        return zeros(y.dtype(), y.shape());
    }

    private static Checkpoint combine(Checkpoint a, Checkpoint b, BinaryOperator<Tensor> formula) {
        if (a.tensors().keySet().stream().noneMatch(name -> takesPart(name) && b.has(name))) {
            throw new InvalidCheckpointException(
                    b.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "it shares no tensor with %s (%s; this one: %s), so there is nothing to merge"
                            .formatted(
                                    a.name(),
                                    Architecture.of(a).label(),
                                    Architecture.of(b).label()));
        }
        return a.map((name, x) -> takesPart(name)
                        ? b.find(name)
                                .map(y -> combine(name, a, x, b, y, formula))
                                .orElse(x)
                        : x)
                .withMetadata(mergedMetadata(a, b))
                .withSourcesOf(b);
    }

    private static Tensor combine(
            String name, Checkpoint a, Tensor x, Checkpoint b, Tensor y, BinaryOperator<Tensor> formula) {
        requireNumbers(name, a, x);
        requireNumbers(name, b, y);
        if (x.shape().equals(y.shape())) {
            return formula.apply(x, y);
        }
        if (!differOnlyInInputChannels(x.shape(), y.shape())) {
            throw mismatch(name, a, x, b, y);
        }
        long channels = x.shape().size(1);
        if (y.shape().size(1) == 4 && (channels == 9 || channels == 8)) {
            if (!x.dtype().isFloating()) {
                throw cannotBeMerged(name, a, x);
            }
            return InputChannels.replaceFirst(x, formula.apply(InputChannels.first(x, 4), y));
        }
        if (channels == 4 && (y.shape().size(1) == 9 || y.shape().size(1) == 8)) {
            throw new InvalidCheckpointException(
                    b.name(),
                    Reason.SHAPE_MISMATCH,
                    "it is an %s model, which can only be the primary model (A)"
                            .formatted(y.shape().size(1) == 9 ? "inpainting" : "instruct-pix2pix"));
        }
        throw mismatch(name, a, x, b, y);
    }

    private static boolean differOnlyInInputChannels(Shape x, Shape y) {
        if (x.rank() != y.rank() || x.rank() < 2) {
            return false;
        }
        for (int axis = 0; axis < x.rank(); axis++) {
            if (axis != 1 && x.size(axis) != y.size(axis)) {
                return false;
            }
        }
        return true;
    }

    private static void requireNumbers(String name, Checkpoint checkpoint, Tensor tensor) {
        if (!tensor.dtype().isNumeric()) {
            throw cannotBeMerged(name, checkpoint, tensor);
        }
    }

    private static InvalidCheckpointException cannotBeMerged(String name, Checkpoint checkpoint, Tensor tensor) {
        return new InvalidCheckpointException(
                checkpoint.name(),
                Reason.UNKNOWN_DTYPE,
                "the tensor \"%s\" is of type %s, which cannot be merged".formatted(name, tensor.dtype()));
    }

    private static InvalidCheckpointException mismatch(String name, Checkpoint a, Tensor x, Checkpoint b, Tensor y) {
        return new InvalidCheckpointException(
                b.name(),
                Reason.SHAPE_MISMATCH,
                "the tensor \"%s\" is %s here but %s in %s (%s and %s)"
                        .formatted(
                                name,
                                y.shape(),
                                x.shape(),
                                a.name(),
                                Architecture.of(b).label(),
                                Architecture.of(a).label()));
    }

    /** The union, later models overriding earlier ones, without what describes a single file; {@code format} as torch's. */
    private static Map<String, String> mergedMetadata(Checkpoint first, Checkpoint second) {
        Map<String, String> merged = new LinkedHashMap<>(first.metadata());
        merged.putAll(second.metadata());
        merged.keySet().removeAll(java.util.Set.of("modelspec.hash_sha256", "modelspec.thumbnail"));
        merged.put("format", "pt");
        return merged;
    }
}
