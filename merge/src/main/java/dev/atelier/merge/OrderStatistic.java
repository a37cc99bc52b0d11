package dev.atelier.merge;

/**
 * The k-th smallest of the numbers that a tensor's elements give, found without holding them: their bits are counted
 * sixteen at a time, from the highest on, in one pass each (radix selection). Numbers must not be negative.
 *
 * @param value the number
 * @param index where it is: of equal numbers the lower index counts as the larger number
 */
record OrderStatistic(double value, long index) {
    /** @param k from 0, which is the smallest, to one less than the tensor has elements */
    static OrderStatistic of(Operands in, long k, Operands.Indexed number) {
        long[] prefix = {0};
        long rank = k;
        long equal = 0;
        for (int shift = 48; shift >= 0; shift -= 16) {
            int drop = shift;
            long[] counts = new long[1 << 16];
            in.sweep((x, i) -> {
                long bits = bits(number.of(x, i));
                if (drop == 48 || bits >>> (drop + 16) == prefix[0]) {
                    counts[(int) ((bits >>> drop) & 0xFFFF)]++;
                }
            });
            int bucket = 0;
            while (rank >= counts[bucket]) {
                rank -= counts[bucket];
                bucket++;
            }
            prefix[0] = (prefix[0] << 16) | bucket;
            equal = counts[bucket];
        }
        long[] before = {equal - 1 - rank};
        long[] index = {0};
        in.sweep((x, i) -> {
            if (bits(number.of(x, i)) == prefix[0] && before[0]-- == 0) {
                index[0] = i;
            }
        });
        return new OrderStatistic(Double.longBitsToDouble(prefix[0]), index[0]);
    }

    /** Whether the number {@code other} at {@code place} is this one or comes after it. */
    boolean atMost(double other, long place) {
        return other > value || (other == value && place <= index);
    }

    private static long bits(double number) {
        return Double.doubleToLongBits(Math.abs(number)); // of positive numbers, the order of their bits is theirs
    }
}
