package dev.atelier.engine.torch;

import java.util.Arrays;

/**
 * Numbers in [-1, 1] as bytes: bitsandbytes' dynamic map (Dettmers 2016, "8-Bit Approximations for Parallelism in Deep Learning"), which
 * has seven decades, with twice as many values in each as in the one below.
 */
final class DynamicCode {
    private static final int DECADES = 7;
    private static final int SIZE = 256;

    /** With a sign. */
    static final DynamicCode SIGNED = new DynamicCode(true);

    /** From 0 to 1, with twice the values. */
    static final DynamicCode UNSIGNED = new DynamicCode(false);

    private final float[] values; // ascending
    private final float[] middles = new float[SIZE - 1];
    private final byte[] least =
            new byte[1 << 16]; // by the upper half of a float's bits: the code of the smallest such

    private DynamicCode(boolean signed) {
        values = values(signed);
        for (int i = 0; i < middles.length; i++) {
            middles[i] = (float) (((double) values[i] + values[i + 1]) / 2);
        }
        for (int upper = 0; upper < least.length; upper++) {
            float x = Math.min(Float.intBitsToFloat(upper << 16), Float.intBitsToFloat(upper << 16 | 0xffff));
            int code = Arrays.binarySearch(middles, x);
            least[upper] = (byte) Math.min(SIZE - 1, code < 0 ? -code - 1 : code);
        }
    }

    private static float[] values(boolean signed) {
        float[] values = new float[SIZE];
        int count = 0;
        for (int decade = 0; decade < DECADES; decade++) {
            int steps = 1 << (signed ? decade : decade + 1);
            for (int i = 0; i < steps; i++) {
                float value = (float) ((0.1 + 0.9 * (i + 0.5) / steps) * Math.pow(10, decade - (DECADES - 1)));
                values[count++] = value;
                if (signed) {
                    values[count++] = -value;
                }
            }
        }
        values[count++] = 0;
        values[count] = 1;
        Arrays.sort(values);
        return values;
    }

    float decode(byte code) {
        return values[code & 0xff];
    }

    /** The nearest value; of two that are as near, the smaller one. */
    byte encode(float x) {
        int code = least[Float.floatToRawIntBits(x) >>> 16] & 0xff;
        while (code < middles.length && x > middles[code]) {
            code++;
        }
        return (byte) code;
    }
}
