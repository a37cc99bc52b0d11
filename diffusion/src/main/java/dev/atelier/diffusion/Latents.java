package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.Arrays;
import java.util.Collections;

/** Arithmetic on latents, element by element in fp32. Every result is a new array. */
final class Latents {

    /** What happens to an element of each of two arrays. */
    @FunctionalInterface
    interface Update {
        float apply(float a, float b);
    }

    private Latents() {}

    static FloatArray scale(FloatArray x, float factor) {
        float[] values = x.values().clone();
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return FloatArray.of(values, x.shape());
    }

    /** x + factor·y. */
    static FloatArray plus(FloatArray x, double factor, FloatArray y) {
        float f = (float) factor;
        return combine(x, y, (a, b) -> a + f * b);
    }

    /** p·x + q·y. */
    static FloatArray weighted(double p, FloatArray x, double q, FloatArray y) {
        float left = (float) p;
        float right = (float) q;
        return combine(x, y, (a, b) -> left * a + right * b);
    }

    /** dx/dσ = (x − D)/σ, which is also the noise ε in x. */
    static FloatArray slope(FloatArray x, FloatArray denoised, float sigma) {
        return combine(x, denoised, (a, d) -> (a - d) / sigma);
    }

    /** The two arrays must have the same shape. */
    static FloatArray combine(FloatArray a, FloatArray b, Update update) {
        if (!Arrays.equals(a.shape(), b.shape())) {
            throw new IllegalArgumentException("shapes differ: %s and %s".formatted(a, b));
        }
        float[] left = a.values();
        float[] right = b.values();
        float[] values = new float[left.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = update.apply(left[i], right[i]);
        }
        return FloatArray.of(values, a.shape());
    }

    /** One array after the other along the first axis; all other axes must agree. */
    static FloatArray stack(FloatArray... parts) {
        int[] shape = parts[0].shape();
        shape[0] = Arrays.stream(parts).mapToInt(part -> part.size(0)).sum();
        int length = Arrays.stream(parts).mapToInt(part -> part.values().length).sum();
        float[] values = new float[length];
        int end = 0;
        for (FloatArray part : parts) {
            System.arraycopy(part.values(), 0, values, end, part.values().length);
            end += part.values().length;
        }
        return FloatArray.of(values, shape);
    }

    /** The rows again and again. */
    static FloatArray repeat(FloatArray x, int times) {
        return stack(Collections.nCopies(times, x).toArray(FloatArray[]::new));
    }

    static FloatArray filled(float value, int... shape) {
        float[] values = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
        Arrays.fill(values, value);
        return FloatArray.of(values, shape);
    }

    /** A part of each of {@code [n, channels, h, w]}. */
    static FloatArray crop(FloatArray x, int top, int left, int height, int width) {
        int planes = x.size(0) * x.size(1);
        float[] values = new float[planes * height * width];
        for (int row = 0; row < planes * height; row++) {
            int from = (row / height * x.size(2) + top + row % height) * x.size(3) + left;
            System.arraycopy(x.values(), from, values, row * width, width);
        }
        return FloatArray.of(values, x.size(0), x.size(1), height, width);
    }

    /** Writes {@code part [n, channels, h, w]} into {@code whole}. */
    static void paste(FloatArray part, FloatArray whole, int top, int left) {
        int height = part.size(2);
        for (int row = 0; row < part.size(0) * part.size(1) * height; row++) {
            int to = (row / height * whole.size(2) + top + row % height) * whole.size(3) + left;
            System.arraycopy(part.values(), row * part.size(3), whole.values(), to, part.size(3));
        }
    }
}
