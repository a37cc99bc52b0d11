package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.Room;
import dev.atelier.merge.rebasin.Symmetry.Place;
import java.util.stream.IntStream;

/** The slices of a tensor that stand for some neurons, in fp32. */
final class Slices {
    private final float[] values;
    private final int columns;
    private final int depth;
    private final Place place;
    private final int[] order;
    private final int[] other;

    /**
     * @param order of the neurons
     * @param other the order of what lies along the other of the first two axes
     */
    Slices(Tensor tensor, Place place, int[] order, int[] other) {
        this.columns = tensor.shape().rank() < 2 ? 1 : (int) tensor.shape().size(1);
        this.depth = (int) (tensor.shape().elements() / tensor.shape().size(0) / columns);
        this.place = place;
        this.order = order;
        this.other = other;
        int rows = place.axis() == 0 ? order.length : (int) tensor.shape().size(0);
        this.values =
                read(tensor, place.axis() == 0 ? (long) place.first() * columns * depth : 0, rows * columns * depth);
    }

    private static float[] read(Tensor tensor, long first, int count) {
        Room.make(4L * count);
        float[] values = new float[count];
        IntStream.rangeClosed(0, (count - 1) / Scratch.SIZE).parallel().forEach(block -> {
            int done = block * Scratch.SIZE;
            int part = Math.min(Scratch.SIZE, count - done);
            try (Scratch scratch = Scratch.borrow()) {
                tensor.read(first + done, scratch.floats(), part);
                System.arraycopy(scratch.floats(), 0, values, done, part);
            }
        });
        return values;
    }

    /** Of how many numbers each slice is made. */
    int length() {
        return other.length * depth;
    }

    /** Fills a panel, {@code [k][count]}, with the numbers from {@code first} on of each slice, and with zeros behind the last. */
    void fill(float[][] panel, int first) {
        IntStream.range(0, panel.length).parallel().forEach(k -> {
            boolean isThere = first + k < length();
            int across = isThere ? other[(first + k) / depth] : 0;
            int within = (first + k) % depth;
            for (int i = 0; i < order.length; i++) {
                int at = place.axis() == 0 ? order[i] * columns + across : across * columns + place.first() + order[i];
                panel[k][i] = isThere ? values[at * depth + within] : 0;
            }
        });
    }
}
