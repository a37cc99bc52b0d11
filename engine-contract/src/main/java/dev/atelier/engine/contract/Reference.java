package dev.atelier.engine.contract;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.FloatArray;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/** Inputs and expected outputs, computed by the software that the README beside the files names. */
public record Reference(Checkpoint file) {

    /** Opens one of this module's files, which is copied to {@code folder} first: what lies in a jar cannot be mapped. */
    public static Reference open(String name, Path folder) {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            try (InputStream stored = Objects.requireNonNull(Reference.class.getResourceAsStream(name), name)) {
                Files.copy(stored, file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return new Reference(Checkpoints.open(file));
    }

    /** The tensor called {@code name}. */
    public FloatArray array(String name) {
        Tensor stored = file.tensor(name);
        int[] shape =
                Arrays.stream(stored.shape().sizes()).mapToInt(Math::toIntExact).toArray();
        float[] values = new float[Math.toIntExact(stored.shape().elements())];
        float[] block = new float[Scratch.SIZE];
        for (int first = 0; first < values.length; first += block.length) {
            int count = Math.min(block.length, values.length - first);
            stored.read(first, block, count);
            System.arraycopy(block, 0, values, first, count);
        }
        return FloatArray.of(values, shape);
    }

    /** The tensor called {@code name}, of token ids {@code [windows, 77]}. */
    public int[][] tokens(String name) {
        FloatArray ids = array(name);
        int[][] windows = new int[ids.size(0)][ids.size(1)];
        for (int row = 0; row < windows.length; row++) {
            for (int column = 0; column < windows[row].length; column++) {
                windows[row][column] = (int) ids.values()[row * windows[row].length + column];
            }
        }
        return windows;
    }

    /** ‖actual − expected‖ / ‖expected‖, of arrays of the same shape. */
    public static double relativeError(FloatArray actual, FloatArray expected) {
        if (!Arrays.equals(actual.shape(), expected.shape())) {
            throw new AssertionError("%s where %s was expected".formatted(actual, expected));
        }
        double difference = 0;
        double size = 0;
        for (int i = 0; i < actual.values().length; i++) {
            difference += Math.pow((double) actual.values()[i] - expected.values()[i], 2);
            size += Math.pow(expected.values()[i], 2);
        }
        return Math.sqrt(difference / size);
    }
}
