package dev.atelier.checkpoint;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * What makes a training checkpoint a smaller or a sounder one, each step a view. Names are expected in the single-file
 * layout, see {@link Layout#normalize}.
 */
public final class Slim {
    private static final String EMA = Component.EMA.prefix();
    private static final String TRAINED = "model.";
    private static final String POSITION_IDS = "position_ids";

    /** What training leaves in a checkpoint and no program reads that draws with it, by the start of the name. */
    private static final List<String> LEFTOVERS = List.of(
            EMA,
            "loss.",
            "first_stage_model.loss.",
            "embedding_manager.",
            "cond_stage_model.model.visual.",
            "cond_stage_model.transformer.vision_model.");

    private Slim() {}

    /** Without the EMA copy of the UNet: what fine-tuning starts from, and what drawing uses. */
    public static Checkpoint dropEma(Checkpoint checkpoint) {
        return checkpoint.filter(name -> !name.startsWith(EMA));
    }

    /**
     * The averaged weights in the place of the last trained ones, and no copies: what "EMA-only" files hold.
     *
     * @throws InvalidCheckpointException if there is no EMA copy, or it lacks a tensor, which is named
     */
    public static Checkpoint emaOnly(Checkpoint checkpoint) {
        requireEma(checkpoint);
        return dropEma(
                checkpoint.map((name, tensor) -> name.startsWith(TRAINED) ? checkpoint.tensor(copy(name)) : tensor));
    }

    /**
     * The averaged weights in the place of the last trained ones, and these in the place of the averaged ones. A tensor of
     * which there is no copy stays.
     *
     * @throws InvalidCheckpointException if there is no EMA copy
     */
    public static Checkpoint exchangeEma(Checkpoint checkpoint) {
        requireEma(checkpoint);
        Map<String, String> partners = new HashMap<>();
        checkpoint.tensors().keySet().stream()
                .filter(name -> name.startsWith(TRAINED) && checkpoint.has(copy(name)))
                .forEach(name -> {
                    partners.put(name, copy(name));
                    partners.put(copy(name), name);
                });
        return checkpoint.map((name, _) -> checkpoint.tensor(partners.getOrDefault(name, name)));
    }

    private static void requireEma(Checkpoint checkpoint) {
        if (checkpoint.tensors().keySet().stream().noneMatch(name -> name.startsWith(EMA))) {
            throw new InvalidCheckpointException(
                    checkpoint.name(), Reason.MISSING_TENSOR, "it has no EMA copy of its weights (%s…)".formatted(EMA));
        }
    }

    /** What the EMA copy of a trained tensor is called. */
    private static String copy(String trained) {
        return EMA + trained.substring(TRAINED.length()).replace(".", "");
    }

    /** {@code checkpoint}, and behind its tensors those of {@code other} that it lacks. */
    public static Checkpoint filledFrom(Checkpoint other, Checkpoint checkpoint) {
        SequencedMap<String, Tensor> all = new LinkedHashMap<>(checkpoint.tensors());
        other.tensors().forEach(all::putIfAbsent);
        return Checkpoint.of(checkpoint.sources(), all, checkpoint.metadata()).withSourcesOf(other);
    }

    /**
     * Without EMA copies, training leftovers and the noise schedule's tables, except {@code alphas_cumprod}: sampling
     * reads that one, and in some checkpoints it is not the usual one. Nothing that changes a picture is dropped.
     */
    public static Checkpoint prune(Checkpoint checkpoint) {
        return checkpoint.filter(name -> !isTrainingState(name)
                && (!ScheduleBuffers.contains(name) || name.equals(ScheduleBuffers.ALPHAS_CUMPROD)));
    }

    /** {@code checkpoint} with the VAE of another file, see {@link #with}. */
    public static Checkpoint withVae(Checkpoint checkpoint, Checkpoint vae) {
        return with(Component.VAE, checkpoint, vae);
    }

    /**
     * {@code checkpoint} with a component of another file: that component on its own, or a whole checkpoint.
     *
     * @throws InvalidCheckpointException if the file holds no such component in this layout, or one of other shapes
     */
    public static Checkpoint with(Component component, Checkpoint checkpoint, Checkpoint other) {
        String prefix = component.prefix();
        boolean whole = other.tensors().keySet().stream().anyMatch(name -> Component.of(name) == component);
        boolean bareVae = component == Component.VAE && other.has("decoder.conv_in.weight");
        if (!whole && !bareVae) {
            throw new InvalidCheckpointException(
                    other.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "it holds no %s in the layout of single-file checkpoints (%s…)"
                            .formatted(component.label(), examples(component)));
        }
        return checkpoint
                .map((name, tensor) -> {
                    if (Component.of(name) != component) {
                        return tensor;
                    }
                    if (name.endsWith(POSITION_IDS) && !other.has(name)) {
                        return tensor; // not a weight, and many files go without
                    }
                    Tensor replacement = other.tensor(whole ? name : name.substring(prefix.length()));
                    if (!replacement.shape().equals(tensor.shape())) {
                        throw new InvalidCheckpointException(
                                other.name(),
                                Reason.SHAPE_MISMATCH,
                                "the tensor \"%s\" is %s here but %s in %s"
                                        .formatted(name, replacement.shape(), tensor.shape(), checkpoint.name()));
                    }
                    return replacement;
                })
                .withSourcesOf(other);
    }

    private static String examples(Component component) {
        return component == Component.VAE ? "decoder.conv_in.weight, " : component.prefix();
    }

    /**
     * One component on its own. A VAE loses its prefix, as files of VAEs have none; the others keep theirs, by which programs
     * recognise them.
     *
     * @throws InvalidCheckpointException if there is no such component
     */
    public static Checkpoint only(Component component, Checkpoint checkpoint) {
        SequencedMap<String, Tensor> kept = new LinkedHashMap<>();
        checkpoint.tensors().forEach((name, tensor) -> {
            if (Component.of(name) == component) {
                kept.put(
                        component == Component.VAE
                                ? name.substring(component.prefix().length())
                                : name,
                        tensor);
            }
        });
        if (kept.isEmpty()) {
            throw new InvalidCheckpointException(
                    checkpoint.name(),
                    Reason.MISSING_TENSOR,
                    "it holds no %s (%s…)".formatted(component.label(), component.prefix()));
        }
        return Checkpoint.of(checkpoint.sources(), kept, checkpoint.metadata());
    }

    /**
     * With every {@code position_ids} as it must be, the integers 0, 1, 2, …: mergers have averaged them, and a
     * position that is off by one puts a word in its neighbour's place.
     */
    public static Checkpoint repairPositionIds(Checkpoint checkpoint) {
        return checkpoint.map((name, tensor) ->
                name.endsWith(POSITION_IDS) && !isCounting(tensor) ? counting(tensor.shape()) : tensor);
    }

    /** Whether a checkpoint's {@code position_ids} are missing or sound. */
    public static boolean hasSoundPositionIds(Checkpoint checkpoint) {
        return checkpoint.tensors().entrySet().stream()
                .allMatch(named -> !named.getKey().endsWith(POSITION_IDS) || isCounting(named.getValue()));
    }

    /** Whether a tensor of this name is training state, which no program that draws reads. */
    static boolean isTrainingState(String name) {
        return LEFTOVERS.stream().anyMatch(name::startsWith);
    }

    private static boolean isCounting(Tensor ids) {
        long count = ids.shape().elements();
        if (ids.dtype() != DType.I64 || count > Scratch.SIZE) {
            return false;
        }
        float[] values = new float[(int) count];
        ids.read(0, values, values.length);
        for (int i = 0; i < values.length; i++) {
            if (values[i] != i) {
                return false;
            }
        }
        return true;
    }

    private static Tensor counting(Shape shape) {
        ValueLayout.OfLong layout = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
        MemorySegment ids = Arena.ofAuto().allocate(layout, shape.elements());
        for (long i = 0; i < shape.elements(); i++) {
            ids.setAtIndex(layout, i, i);
        }
        return new StoredTensor(DType.I64, shape, ids);
    }
}
