package dev.atelier.merge;

/** A contiguous part of {@code n} places, or everything but that part. */
record Region(long start, long end, boolean inverted) {
    /** meh's and SuperMerger's: ends are truncated, and a region past the end leaves a gap instead. */
    static Region truncating(long n, double width, double offset) {
        double end = width + offset;
        return end <= 1
                ? new Region((long) (n * offset), (long) (n * end), false)
                : new Region((long) (n * (end - 1)), (long) (n * offset), true);
    }

    /** sd-mecha's: ends are rounded half to even, and the region wraps round. */
    static Region wrapping(long n, double width, double offset) {
        double start = width < 0 ? offset + width : offset;
        double length = Math.min(Math.abs(width), 1);
        start = start < 0 ? 1 + start - (long) start : start;
        start %= 1;
        double end = start + length;
        return end <= 1
                ? new Region((long) Math.rint(start * n), (long) Math.rint(end * n), false)
                : new Region((long) Math.rint((end - 1) * n), (long) Math.rint(start * n), true);
    }

    boolean contains(long place) {
        return (start <= place && place < end) != inverted;
    }
}
