package dev.atelier.merge;

import java.util.Arrays;

/**
 * The k-th smallest of the numbers that a tensor's elements give, found without holding them: their bits are counted
 * sixteen at a time, from the highest on, in one pass each (radix selection), until few enough are left to be sorted; usually that
 * takes two passes. Numbers must not be negative.
 *
 * @param value the number
 * @param index where it is: of equal numbers the lower index counts as the larger number
 */
record OrderStatistic(double value, long index) {
    /** As many numbers as are collected and sorted at most: 16 MB of them, with their indices. */
    private static final int FEW = 1 << 20;

    /** @param k from 0, which is the smallest, to one less than the tensor has elements */
    static OrderStatistic of(Operands in, long k, Operands.Indexed number) {
        long prefix = 0;
        long rank = k;
        long equal = in.elements();
        int known = 0;
        while (known < 64 && (known == 0 || equal > FEW)) {
            int drop = 48 - known;
            long[] counts = new long[1 << 16];
            long wanted = prefix;
            int shift = 64 - known;
            in.sweep((x, i) -> {
                long bits = bits(number.of(x, i));
                if (shift == 64 || bits >>> shift == wanted) {
                    counts[(int) ((bits >>> drop) & 0xFFFF)]++;
                }
            });
            int bucket = 0;
            while (rank >= counts[bucket]) {
                rank -= counts[bucket];
                bucket++;
            }
            prefix = (prefix << 16) | bucket;
            equal = counts[bucket];
            known += 16;
        }
        return known == 64 ? last(in, prefix, equal - 1 - rank, number) : among(in, prefix, known, equal, rank, number);
    }

    /** The one with {@code rank} among those, few, whose first bits are {@code prefix}. */
    private static OrderStatistic among(
            Operands in, long prefix, int known, long count, long rank, Operands.Indexed number) {
        Room.make(24 * count);
        long[] found = new long[Math.toIntExact(count)];
        long[] places = new long[found.length];
        int[] next = {0};
        in.sweep((x, i) -> {
            long bits = bits(number.of(x, i));
            if (bits >>> (64 - known) == prefix) {
                found[next[0]] = bits;
                places[next[0]++] = i;
            }
        });
        long[] sorted = found.clone();
        Arrays.sort(sorted);
        long value = sorted[(int) rank];
        int above = 0; // of equal ones, those that count as larger
        while (rank + above + 1 < sorted.length && sorted[(int) rank + above + 1] == value) {
            above++;
        }
        int at = -1;
        for (int seen = -1; seen < above; ) {
            at++;
            seen += found[at] == value ? 1 : 0;
        }
        return new OrderStatistic(Double.longBitsToDouble(value), places[at]);
    }

    /** Of many equal numbers the one that {@code before} others precede. */
    private static OrderStatistic last(Operands in, long bits, long before, Operands.Indexed number) {
        long[] left = {before};
        long[] index = {0};
        in.sweep((x, i) -> {
            if (bits(number.of(x, i)) == bits && left[0]-- == 0) {
                index[0] = i;
            }
        });
        return new OrderStatistic(Double.longBitsToDouble(bits), index[0]);
    }

    /** Whether the number {@code other} at {@code place} is this one or comes after it. */
    boolean atMost(double other, long place) {
        return other > value || (other == value && place <= index);
    }

    private static long bits(double number) {
        return Double.doubleToLongBits(Math.abs(number)); // of positive numbers, the order of their bits is theirs
    }
}
