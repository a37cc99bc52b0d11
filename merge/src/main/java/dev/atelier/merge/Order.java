package dev.atelier.merge;

import java.util.Arrays;

/** Sorting by value where what matters is who came where. */
final class Order {
    private Order() {}

    /**
     * The indices of the values from the smallest to the largest; of equal values the lower index first. Values are
     * compared as fp32 numbers, which tells apart whatever a checkpoint of up to 32 bits holds.
     */
    static int[] ascending(double[] values) {
        long[] pairs = new long[values.length];
        for (int i = 0; i < pairs.length; i++) {
            int bits = Float.floatToIntBits((float) (values[i] + 0.0)); // -0 and 0 are equal
            int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
            pairs[i] = ((long) ordered << 32) | i;
        }
        Arrays.sort(pairs);
        int[] order = new int[pairs.length];
        for (int i = 0; i < order.length; i++) {
            order[i] = (int) pairs[i];
        }
        return order;
    }
}
