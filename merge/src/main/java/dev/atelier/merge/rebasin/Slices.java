package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.rebasin.Symmetry.Place;
import java.util.stream.IntStream;

/** The slices of a tensor that stand for some neurons, one after the other, in fp32: {@code [count][length]}. */
final class Slices {
    private static final int TILE = 8;

    private final float[] values;
    private final int count;
    private final int length;

    private Slices(float[] values, int count) {
        this.values = values;
        this.count = count;
        this.length = values.length / count;
    }

    /**
     * @param other the order of what lies along the other of the first two axes
     */
    static Slices of(Tensor tensor, Place place, int count, int[] other) {
        int columns = tensor.shape().rank() < 2 ? 1 : (int) tensor.shape().size(1);
        int depth = (int) (tensor.shape().elements() / tensor.shape().size(0) / columns);
        float[] all = read(tensor);
        float[] values = new float[count * other.length * depth];
        int at = 0;
        for (int i = 0; i < count; i++) {
            int slice = place.first() + i;
            for (int across : other) {
                int row = place.axis() == 0 ? slice : across;
                int column = place.axis() == 0 ? across : slice;
                for (int k = 0; k < depth; k++) {
                    values[at++] = all[(row * columns + column) * depth + k];
                }
            }
        }
        return new Slices(values, count);
    }

    private static float[] read(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        try (Scratch scratch = Scratch.borrow()) {
            for (int done = 0; done < values.length; done += Scratch.SIZE) {
                int part = Math.min(Scratch.SIZE, values.length - done);
                tensor.read(done, scratch.floats(), part);
                System.arraycopy(scratch.floats(), 0, values, done, part);
            }
        }
        return values;
    }

    /** Adds the dot products with others' slices: {@code [count][count]}, a row for each slice of this one. */
    void addProducts(Slices others, float[] products) {
        float[] columns = others.transposed();
        IntStream.rangeClosed(0, (count - 1) / TILE).parallel().forEach(tile -> {
            int end = Math.min(count, (tile + 1) * TILE);
            int k = 0;
            for (; k + 4 <= length; k += 4) {
                for (int i = tile * TILE; i < end; i++) {
                    addFour(columns, k, products, i);
                }
            }
            for (; k < length; k++) {
                for (int i = tile * TILE; i < end; i++) {
                    for (int j = 0; j < count; j++) {
                        products[i * count + j] += values[i * length + k] * columns[k * count + j];
                    }
                }
            }
        });
    }

    /** Four of the terms of a row's products: a loop that the compiler makes vectors of. */
    private void addFour(float[] columns, int k, float[] products, int i) {
        float a = values[i * length + k];
        float b = values[i * length + k + 1];
        float c = values[i * length + k + 2];
        float d = values[i * length + k + 3];
        int row = i * count;
        int first = k * count;
        int second = first + count;
        int third = second + count;
        int fourth = third + count;
        for (int j = 0; j < count; j++) {
            products[row + j] +=
                    a * columns[first + j] + b * columns[second + j] + c * columns[third + j] + d * columns[fourth + j];
        }
    }

    private float[] transposed() {
        float[] columns = new float[values.length];
        for (int i = 0; i < count; i++) {
            for (int k = 0; k < length; k++) {
                columns[k * count + i] = values[i * length + k];
            }
        }
        return columns;
    }
}
