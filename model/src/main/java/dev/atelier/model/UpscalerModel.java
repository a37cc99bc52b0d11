package dev.atelier.model;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A checkpoint that holds an upscaling network. Obtained by {@link #of}, which has checked that every tensor is there and
 * that all shapes fit together.
 *
 * @param checkpoint its tensors under BasicSR's names
 */
public record UpscalerModel(Checkpoint checkpoint, Design design) {

    /** How the network is built. */
    public sealed interface Design {
        /** By how much it makes pictures larger. */
        int scale();
    }

    /**
     * ESRGAN's.
     *
     * @param unshuffle the side of the squares of pixels that become channels beforehand: 1, 2 or 4
     * @param blocks residual in residual dense blocks
     * @param doublings how often the picture is doubled
     */
    public record Rrdb(int unshuffle, int blocks, int doublings) implements Design {
        @Override
        public int scale() {
            return (1 << doublings) / unshuffle;
        }
    }

    /**
     * Real-ESRGAN's small one.
     *
     * @param lastLayer the number of the last convolution; those before it have even numbers
     */
    public record Compact(int lastLayer, int scale) implements Design {}

    private static final Pattern DENSE_BLOCK =
            Pattern.compile("(?:model\\.1\\.sub|RRDB_trunk|body)\\.(\\d+)\\.(?:RDB|rdb)([123])\\.conv([1-5])(?:\\.0)?");

    /** ESRGAN's file counts all layers but those within the blocks. */
    private static final Pattern COUNTED = Pattern.compile("model\\.(\\d{1,2})");

    private static final Map<String, String> FIRST_NAMES =
            Map.of("trunk_conv", "conv_body", "upconv1", "conv_up1", "upconv2", "conv_up2", "HRconv", "conv_hr");

    /**
     * Recognises an upscaling network, under the names of ESRGAN, of Real-ESRGAN or of BasicSR.
     *
     * @throws InvalidCheckpointException naming what is missing, what does not fit, or what kind of file this is instead
     */
    public static UpscalerModel of(Checkpoint file) {
        Architecture architecture = Architecture.of(file);
        if (architecture != Architecture.UPSCALER) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "it is no upscaling network, but a file of this kind: %s".formatted(architecture.label()));
        }
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        file.tensors().forEach((name, tensor) -> tensors.put(normalized(name, file), tensor));
        Checkpoint checkpoint = Checkpoint.of(file.sources(), tensors, file.metadata());
        KeyTree tree = new KeyTree(checkpoint);
        if (!checkpoint.has("body.0.weight") && !checkpoint.has("body.0.rdb1.conv1.weight")) {
            throw tree.unknownLayout(
                    "it is an upscaling network, but none of the ESRGAN family; SwinIR, DAT and others cannot be run");
        }
        UpscalerModel model =
                new UpscalerModel(checkpoint, checkpoint.has("body.0.weight") ? compact(tree) : rrdb(tree));
        SequencedSet<String> used = model.weights();
        checkpoint.tensors().keySet().stream()
                .filter(name -> !used.contains(name))
                .findFirst()
                .ifPresent(name -> {
                    throw tree.unknownLayout(
                            "its tensor \"%s\" has no place in a network of the ESRGAN family".formatted(name));
                });
        return model;
    }

    private static String normalized(String name, Checkpoint file) {
        int dot = name.lastIndexOf('.');
        String layer = dot < 0 ? name : name.substring(0, dot);
        String parameter = name.substring(layer.length());
        Matcher dense = DENSE_BLOCK.matcher(layer);
        if (dense.matches()) {
            return "body.%s.rdb%s.conv%s%s".formatted(dense.group(1), dense.group(2), dense.group(3), parameter);
        }
        if (layer.matches("model\\.1\\.sub\\.\\d+")) {
            return "conv_body" + parameter;
        }
        Matcher counted = COUNTED.matcher(layer);
        if (counted.matches()) {
            List<Integer> all = counted(file);
            return inOrder(all.indexOf(Integer.valueOf(counted.group(1))), all.size()) + parameter;
        }
        return FIRST_NAMES.getOrDefault(layer, layer) + parameter;
    }

    private static List<Integer> counted(Checkpoint file) {
        return IntStream.range(0, 100)
                .filter(i -> file.has("model." + i + ".weight"))
                .boxed()
                .toList();
    }

    private static String inOrder(int index, int count) {
        if (index == 0) {
            return "conv_first";
        }
        return index == count - 1 ? "conv_last" : index == count - 2 ? "conv_hr" : "conv_up" + index;
    }

    private static Rrdb rrdb(KeyTree tree) {
        int unshuffle = side(tree, "conv_first.weight", 1);
        int doublings = (int) IntStream.iterate(1, i -> i + 1)
                .takeWhile(i -> tree.checkpoint().has("conv_up" + i + ".weight"))
                .count();
        if (1 << doublings < unshuffle) {
            throw tree.unknownLayout("it makes pictures smaller");
        }
        return new Rrdb(unshuffle, tree.count("body."), doublings);
    }

    private static Compact compact(KeyTree tree) {
        int last = tree.count("body.") - 1;
        if (last % 2 != 0) {
            throw tree.unknownLayout(
                    "its %d layers are no convolutions with a PReLU between each two".formatted(last + 1));
        }
        return new Compact(last, side(tree, "body." + last + ".weight", 0));
    }

    /** Of the squares of pixels that are channels outside or inside of the network. */
    private static int side(KeyTree tree, String weight, int axis) {
        long channels = tree.size(weight, axis);
        return switch ((int) channels) {
            case 3 -> 1;
            case 12 -> 2;
            case 48 -> 4;
            default ->
                throw tree.unknownLayout(
                        "its tensor \"%s\" is for %d channels, where 3, 12 or 48 are due".formatted(weight, channels));
        };
    }

    /** By how much it makes pictures larger. */
    public int scale() {
        return design.scale();
    }

    /** The names of its tensors, in the order of their use. */
    public SequencedSet<String> weights() {
        return ShapeCheck.run(this);
    }
}
