package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.util.stream.IntStream;

/** What the names of a checkpoint's tensors say about the network they belong to. */
record KeyTree(Checkpoint checkpoint) {
    /** How many of the names {@code prefix0.…}, {@code prefix1.…} and so on there are, without a gap. */
    int count(String prefix) {
        return (int) IntStream.iterate(0, i -> i + 1)
                .takeWhile(
                        i -> checkpoint.tensors().keySet().stream().anyMatch(name -> name.startsWith(prefix + i + ".")))
                .count();
    }

    /** The size of an axis of a tensor that must be there. */
    long size(String name, int axis) {
        var shape = checkpoint.tensor(name).shape();
        if (axis >= shape.rank()) {
            throw new InvalidCheckpointException(
                    checkpoint.name(),
                    Reason.SHAPE_MISMATCH,
                    "the tensor \"%s\" is %s, which has too few axes".formatted(name, shape));
        }
        return shape.size(axis);
    }

    /** A positive number from the metadata. */
    int setting(String name, int otherwise) {
        String value = checkpoint.metadata().get(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.matches("[1-9]\\d{0,5}")) {
            throw unknownLayout(
                    "its metadata entry \"%s\" should be a positive number, not \"%s\"".formatted(name, value));
        }
        return Integer.parseInt(value);
    }

    InvalidCheckpointException unknownLayout(String problem) {
        return new InvalidCheckpointException(checkpoint.name(), Reason.UNKNOWN_LAYOUT, problem);
    }
}
