package dev.atelier.merge;

import java.util.Arrays;

/**
 * Sorting by value where what matters is who came where; of equal values the lower index first. Values are compared as fp32
 * numbers, which tells apart whatever a checkpoint of up to 32 bits holds.
 */
final class Order {
    private static final int BUCKETS = 1 << 16;

    /** As many values are sorted at once: 16 MB of them, with their indices. */
    private static final int CHUNK = 1 << 21;

    private Order() {}

    /** The indices of the values from the smallest to the largest. */
    static int[] ascending(double[] values) {
        long[] pairs = new long[values.length];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = pair(key(values[i]), i);
        }
        Arrays.sort(pairs);
        int[] order = new int[pairs.length];
        for (int i = 0; i < order.length; i++) {
            order[i] = (int) pairs[i];
        }
        return order;
    }

    /**
     * How many values precede that of each element. Values are counted by the upper half of their bits in a first pass over the
     * tensor, and sorted a range of them at a time; memory: 4 bytes per element.
     */
    static int[] ranks(Operands in, Operands.Indexed number) {
        return ranks(in, CHUNK, number);
    }

    /** @param chunk how many values are sorted at once at most */
    static int[] ranks(Operands in, int chunk, Operands.Indexed number) {
        Room.make(4 * in.elements());
        int[] ranks = new int[Math.toIntExact(in.elements())];
        int[] counts = new int[BUCKETS];
        in.sweep((x, index) -> counts[bucket(key(number.of(x, index)))]++);
        int length = Math.min(chunk, ranks.length);
        Room.make(8L * length);
        long[] pairs = new long[length];
        int below = 0;
        for (int from = 0, to; from < BUCKETS; from = to) {
            int size = counts[from];
            for (to = from + 1; to < BUCKETS && size + counts[to] <= chunk; to++) {
                size += counts[to];
            }
            if (size > chunk) {
                count(in, number, from, below, ranks);
            } else if (size > 0) {
                sort(in, number, new Range(from, to), pairs, below, ranks);
            }
            below += size;
        }
        return ranks;
    }

    /**
     * What {@code element} makes of each rank, as fp32 numbers in the place of the ranks: whatever else it needs can go then. Each
     * element may look at its own rank only.
     */
    static Operands.Indexed inPlaceOfRanks(Operands in, int[] ranks, Operands.Indexed element) {
        in.sweep((x, index) -> ranks[(int) index] = Float.floatToRawIntBits((float) element.of(x, index)));
        return (_, index) -> Float.intBitsToFloat(ranks[(int) index]);
    }

    /** Of the upper halves of the bits. */
    private record Range(int from, int to) {}

    private static void sort(Operands in, Operands.Indexed number, Range range, long[] pairs, int below, int[] ranks) {
        int[] next = {0};
        in.sweep((x, index) -> {
            int key = key(number.of(x, index));
            if (range.from <= bucket(key) && bucket(key) < range.to) {
                pairs[next[0]++] = pair(key, (int) index);
            }
        });
        Arrays.sort(pairs, 0, next[0]);
        for (int i = 0; i < next[0]; i++) {
            ranks[(int) pairs[i]] = below + i;
        }
    }

    /** Of values that differ in the lower half of their bits only, each is counted. */
    private static void count(Operands in, Operands.Indexed number, int bucket, int below, int[] ranks) {
        int[] counts = new int[BUCKETS];
        in.sweep((x, index) -> {
            int key = key(number.of(x, index));
            if (bucket(key) == bucket) {
                counts[key & 0xFFFF]++;
            }
        });
        int next = below;
        for (int i = 0; i < BUCKETS; i++) {
            next += counts[i];
            counts[i] = next - counts[i];
        }
        in.sweep((x, index) -> {
            int key = key(number.of(x, index));
            if (bucket(key) == bucket) {
                ranks[(int) index] = counts[key & 0xFFFF]++;
            }
        });
    }

    private static long pair(int key, int index) {
        return ((long) key << 32) | index;
    }

    /** A whole number in the order of the values. */
    private static int key(double value) {
        int bits = Float.floatToIntBits((float) (value + 0.0)); // -0 and 0 are equal
        return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    }

    private static int bucket(int key) {
        return (key >> 16) + BUCKETS / 2;
    }
}
