package dev.atelier.merge;

import dev.atelier.checkpoint.Shape;
import java.util.stream.IntStream;

/**
 * The Fourier transform of a real tensor, over all axes. Of two frequencies that are each other's mirror image one is kept, in
 * fp32: 4 bytes per element. Before and after {@link #filter} these are the elements themselves.
 */
final class Spectrum {
    /** The share of a frequency that passes; the same for its mirror image. */
    @FunctionalInterface
    interface Share {
        /** @param frequencies along each axis, in steps; along the halved one up to half of its size */
        double of(int[] frequencies);
    }

    /** Longer lines are cut into rows, which are transformed, turned, and transformed across (Bailey 1990). */
    private static final int LONG = 1 << 12;

    private final int[] sizes;
    private final boolean isLine;
    private final int halved;
    private final int half;
    private final int inner;
    private final float[] real;
    private final float[] imaginary;

    private Spectrum(int[] sizes, boolean isLine, int halved) {
        this.sizes = sizes;
        this.isLine = isLine;
        this.halved = halved;
        this.half = sizes[halved] / 2 + 1;
        this.inner = product(sizes, halved + 1, sizes.length);
        int length = product(sizes, 0, halved) * half * inner;
        Room.make(8L * length);
        this.real = new float[length];
        this.imaginary = new float[length];
    }

    static Spectrum of(Shape shape) {
        int[] sizes = IntStream.range(0, shape.rank())
                .map(axis -> (int) shape.size(axis))
                .toArray();
        int longest = 0;
        for (int axis = 1; axis < sizes.length; axis++) {
            longest = sizes[axis] > sizes[longest] ? axis : longest;
        }
        return new Spectrum(sizes, false, longest);
    }

    /** Of one axis of any length; {@link Share} sees it as {@code rows} and columns: the frequency is row + rows·column. */
    static Spectrum ofLine(int length) {
        int rows = length;
        if (length > LONG) {
            rows = (int) Math.sqrt(length);
            while (length % rows != 0) {
                rows--;
            }
        }
        return new Spectrum(new int[] {rows, length / rows}, true, 0);
    }

    int rows() {
        return sizes[0];
    }

    float get(int index) {
        int place = index / inner % sizes[halved];
        return place < half ? real[at(index, place)] : imaginary[at(index, place - half)];
    }

    void set(int index, double value) {
        int place = index / inner % sizes[halved];
        if (place < half) {
            real[at(index, place)] = (float) value;
        } else {
            imaginary[at(index, place - half)] = (float) value;
        }
    }

    private int at(int index, int place) {
        return (index / inner / sizes[halved] * half + place) * inner + index % inner;
    }

    /** Transforms, multiplies each frequency by its share, and transforms back. */
    void filter(Share share) {
        Fourier.ofReal(real, imaginary, sizes[halved], inner);
        turn(-1);
        others(-1);
        int[] frequencies = new int[sizes.length];
        for (int i = 0; i < real.length; i++) {
            float factor = (float) share.of(frequencies);
            real[i] *= factor;
            imaginary[i] *= factor;
            advance(frequencies);
        }
        others(1);
        turn(1);
        Fourier.toReal(real, imaginary, sizes[halved], inner);
    }

    private void advance(int[] frequencies) {
        for (int axis = sizes.length - 1; axis >= 0 && ++frequencies[axis] == extent(axis); axis--) {
            frequencies[axis] = 0;
        }
    }

    private int extent(int axis) {
        return axis == halved ? half : sizes[axis];
    }

    private void others(int sign) {
        int step = 1;
        for (int axis = sizes.length - 1; axis >= 0; axis--) {
            if (axis != halved) {
                Fourier.transform(real, imaginary, sizes[axis], step, sign);
            }
            step *= extent(axis);
        }
    }

    /** Makes of the transforms of the rows of a line that of the line. */
    private void turn(int sign) {
        if (!isLine || sizes[1] == 1) {
            return;
        }
        double unit = sign * 2 * Math.PI / ((double) sizes[0] * sizes[1]);
        IntStream.range(0, half).parallel().forEach(row -> {
            for (int column = 0; column < sizes[1]; column++) {
                int at = row * sizes[1] + column;
                double cos = Math.cos(unit * row * column);
                double sin = Math.sin(unit * row * column);
                double turned = real[at] * cos - imaginary[at] * sin;
                imaginary[at] = (float) (real[at] * sin + imaginary[at] * cos);
                real[at] = (float) turned;
            }
        });
    }

    private static int product(int[] sizes, int from, int to) {
        int product = 1;
        for (int axis = from; axis < to; axis++) {
            product *= sizes[axis];
        }
        return product;
    }
}
