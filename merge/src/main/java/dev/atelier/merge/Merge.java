package dev.atelier.merge;

import static dev.atelier.merge.TorchArithmetic.minus;
import static dev.atelier.merge.TorchArithmetic.plus;
import static dev.atelier.merge.TorchArithmetic.times;
import static dev.atelier.merge.TorchArithmetic.zeros;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BinaryOperator;
import java.util.function.Predicate;

/**
 * Merges as views: nothing is computed until the result is read. {@link #with} merges by any method of the catalogue.
 * {@link #weightedSum} and {@link #addDifference} are those of AUTOMATIC1111's Checkpoint Merger, and give the bits that
 * the original computes ({@code modules/extras.py}, version 1.10.1), in whose arithmetic every step is rounded.
 *
 * <p>A tensor takes part if its name contains "model" and both checkpoints have it. Everything else comes from A: tensors
 * that only A has, the noise schedule ({@code alphas_cumprod}, …) and {@code position_ids}, whose integers averaging
 * would damage. What only B has is dropped.
 */
public final class Merge {
    /** The input channels that inpainting and instruct-pix2pix models share with all others: those of a latent image. */
    private static final long SHARED_CHANNELS = 4;

    private Merge() {}

    /**
     * Weighted sum: (1 − M)·A + M·B.
     *
     * @param m the multiplier M; 0 gives A, 1 gives B, values outside [0, 1] extrapolate
     * @throws InvalidCheckpointException if the two do not fit together, naming the first tensor that does not
     */
    public static Checkpoint weightedSum(Checkpoint a, Checkpoint b, double m) {
        return combine(Layout.normalize(a), Layout.normalize(b), (x, y) -> TorchArithmetic.weightedSum(x, 1 - m, y, m));
    }

    /**
     * Add difference: A + M·(B − C): what B learnt on top of C, added to A. Where C lacks a tensor, the difference is 0.
     *
     * @throws InvalidCheckpointException if the three do not fit together, naming the first tensor that does not
     */
    public static Checkpoint addDifference(Checkpoint a, Checkpoint b, Checkpoint c, double m) {
        Checkpoint base = Layout.normalize(c);
        Checkpoint tuned = Layout.normalize(b);
        Checkpoint difference = tuned.map((name, y) -> takesPart(tuned, name)
                        ? base.find(name)
                                .map(z -> difference(name, tuned, y, base, z))
                                .orElseGet(() -> noDifference(name, tuned, y))
                        : y)
                .withMetadata(mergedMetadata(tuned.metadata(), base.metadata()))
                .withSourcesOf(base);
        return combine(Layout.normalize(a), difference, (x, d) -> plus(x, times(d, m)));
    }

    /**
     * Merges models with any method of the catalogue. Tensors that take part are those of A (the first model) that are of
     * a floating type and in all models; what else A has is kept, what only others have is dropped, and so is an EMA copy
     * of the UNet, which would no longer be a copy of anything. The result has the types of A.
     *
     * @param multipliers the method's {@link MergeMethod#multiplier multiplier} for tensors that have one of their own
     * @param selected the names that take part; the others stay as in A
     * @throws InvalidCheckpointException if the models do not fit together, naming the first tensor that does not
     * @throws IllegalArgumentException if a number is out of the method's range
     */
    public static Checkpoint with(
            MergeMethod method,
            Settings settings,
            List<Checkpoint> models,
            Multipliers multipliers,
            Predicate<String> selected) {
        method.requireModels(models.size());
        List<Checkpoint> named = models.stream().map(Layout::normalize).toList();
        Checkpoint a = named.getFirst().filter(name -> Component.of(name) != Component.EMA);
        Map<String, Operands> operands = new LinkedHashMap<>();
        a.tensors().forEach((name, x) -> {
            if (takesPart(a, name)
                    && selected.test(name)
                    && x.dtype().isFloating()
                    && named.stream().allMatch(model -> model.has(name))) {
                operands.put(name, operands(name, a, named));
            }
        });
        for (Checkpoint b : named.subList(Math.min(1, named.size() - 1), named.size())) {
            requireSharedTensor(a, b);
        }
        MergeMethod.Formula formula = method.over(List.copyOf(operands.values()));
        Checkpoint merged = a.map((name, x) -> {
            Operands in = operands.get(name);
            if (in == null) {
                return x;
            }
            Tensor result = formula.of(in, multipliers.apply(name, method, settings));
            return in.shape().equals(x.shape()) ? result : InputChannels.replaceFirst(x, result);
        });
        Map<String, String> metadata = a.metadata();
        for (Checkpoint b : named.subList(1, named.size())) {
            metadata = mergedMetadata(metadata, b.metadata());
            merged = merged.withSourcesOf(b);
        }
        return merged.withMetadata(metadata);
    }

    /** The tensors of one name; only the shared channels where some model has no others. */
    private static Operands operands(String name, Checkpoint a, List<Checkpoint> models) {
        Tensor x = a.tensor(name);
        boolean onlyShared = false;
        for (Checkpoint b : models.subList(1, models.size())) {
            onlyShared |= lacksChannels(name, a, x, b, b.tensor(name));
        }
        boolean cut = onlyShared;
        return new Operands(
                name,
                models.stream()
                        .map(model -> model.tensor(name))
                        .map(tensor -> cut && tensor.shape().size(1) > SHARED_CHANNELS
                                ? InputChannels.first(tensor, SHARED_CHANNELS)
                                : tensor)
                        .toList());
    }

    /** As in AUTOMATIC1111; of a part on its own, such as a VAE, in whose names there is no "model", all tensors. */
    private static boolean takesPart(Checkpoint a, String name) {
        return !name.endsWith("position_ids")
                && (name.contains("model")
                        || a.tensors().keySet().stream().noneMatch(other -> other.contains("model")));
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
        requireSharedTensor(a, b);
        return a.map((name, x) -> takesPart(a, name)
                        ? b.find(name)
                                .map(y -> combine(name, a, x, b, y, formula))
                                .orElse(x)
                        : x)
                .withMetadata(mergedMetadata(a.metadata(), b.metadata()))
                .withSourcesOf(b);
    }

    private static void requireSharedTensor(Checkpoint a, Checkpoint b) {
        if (a.tensors().keySet().stream().noneMatch(name -> takesPart(a, name) && b.has(name))) {
            throw new InvalidCheckpointException(
                    b.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "it shares no tensor with %s (%s; this one: %s), so there is nothing to merge"
                            .formatted(
                                    a.name(),
                                    Architecture.of(a).label(),
                                    Architecture.of(b).label()));
        }
    }

    private static Tensor combine(
            String name, Checkpoint a, Tensor x, Checkpoint b, Tensor y, BinaryOperator<Tensor> formula) {
        requireNumbers(name, a, x);
        if (!lacksChannels(name, a, x, b, y)) {
            return formula.apply(x, y);
        }
        if (!x.dtype().isFloating()) {
            throw cannotBeMerged(name, a, x);
        }
        return InputChannels.replaceFirst(x, formula.apply(InputChannels.first(x, SHARED_CHANNELS), y));
    }

    /** Whether {@code y} has only the first input channels of {@code x}, a special model's; false if it has them all. */
    private static boolean lacksChannels(String name, Checkpoint a, Tensor x, Checkpoint b, Tensor y) {
        requireNumbers(name, b, y);
        if (x.shape().equals(y.shape())) {
            return false;
        }
        if (!differOnlyInInputChannels(x.shape(), y.shape())) {
            throw mismatch(name, a, x, b, y);
        }
        long channels = x.shape().size(1);
        if (y.shape().size(1) == SHARED_CHANNELS && (channels == 9 || channels == 8)) {
            return true;
        }
        if (channels == SHARED_CHANNELS && (y.shape().size(1) == 9 || y.shape().size(1) == 8)) {
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
    private static Map<String, String> mergedMetadata(Map<String, String> first, Map<String, String> second) {
        Map<String, String> merged = new LinkedHashMap<>(first);
        merged.putAll(second);
        merged.keySet().removeAll(Set.of("modelspec.hash_sha256", "modelspec.thumbnail"));
        merged.put("format", "pt");
        return merged;
    }
}
