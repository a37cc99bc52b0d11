package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A checkpoint that holds the decoder of a TAESD. Obtained by {@link #of}, which has checked that every tensor is there.
 *
 * @param checkpoint its tensors by their places in the author's sequence of layers
 */
public record TinyDecoderModel(Checkpoint checkpoint) implements Loadable {
    static final String PREFIX = "taesd_decoder.";

    /** The convolutions after an enlargement. */
    private static final int[] WITHOUT_BIAS = {7, 12, 17};

    // the author's file of the decoder alone, or of both halves; diffusers' file of both
    private static final Pattern NAME = Pattern.compile(
            "(?:(decoder\\.layers\\.)|(?:taesd_)?decoder\\.)?(\\d{1,3})\\.((?:conv\\.\\d\\.)?(?:weight|bias))");

    /**
     * Recognises a decoder in the layout of its author or of diffusers.
     *
     * @throws InvalidCheckpointException naming what is missing or does not fit
     */
    public static TinyDecoderModel of(Checkpoint file) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        file.tensors().forEach((name, tensor) -> {
            Matcher matcher = NAME.matcher(name);
            if (matcher.matches()) {
                // diffusers does not count the layer that clamps
                int layer = Integer.parseInt(matcher.group(2)) + (matcher.group(1) != null ? 1 : 0);
                tensors.put(PREFIX + layer + "." + matcher.group(3), tensor);
            }
        });
        if (tensors.isEmpty()) {
            throw new InvalidCheckpointException(
                    file.name(), Reason.UNKNOWN_LAYOUT, "its tensors are not named as those of a TAESD decoder");
        }
        for (int layer : WITHOUT_BIAS) {
            Tensor weight = tensors.get(PREFIX + layer + ".weight");
            if (weight != null && weight.shape().rank() == 4) {
                tensors.put(PREFIX + layer + ".bias", zeros(weight.shape().size(0)));
            }
        }
        TinyDecoderModel model = new TinyDecoderModel(Checkpoint.of(file.sources(), tensors, file.metadata()));
        var _ = model.weights();
        return model;
    }

    private static Tensor zeros(long count) {
        return Tensor.of(DType.F32, Shape.of(count), MemorySegment.ofArray(new float[Math.toIntExact(count)]));
    }

    /** The names of its tensors, in the order of their use. */
    public SequencedSet<String> weights() {
        return ShapeCheck.run(this);
    }
}
