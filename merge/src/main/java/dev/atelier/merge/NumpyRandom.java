package dev.atelier.merge;

/**
 * NumPy's {@code default_rng(seed)}: PCG64 (O'Neill 2014, XSL-RR output), its 128 bits of state held in two halves,
 * started from NumPy's {@code SeedSequence}.
 */
final class NumpyRandom {
    private static final long MULTIPLIER_HIGH = 0x2360ED051FC65DA4L;
    private static final long MULTIPLIER_LOW = 0x4385DF649FCCF645L;

    private final long incrementHigh;
    private final long incrementLow;
    private long high;
    private long low;

    NumpyRandom(long seed) {
        long[] words = seedSequence(seed);
        incrementHigh = (words[2] << 1) | (words[3] >>> 63);
        incrementLow = (words[3] << 1) | 1;
        step();
        add(words[0], words[1]);
        step();
    }

    long word() {
        step();
        return Long.rotateRight(high ^ low, (int) (high >>> 58));
    }

    /** A uniform number of [0, 1). */
    double uniform() {
        return (word() >>> 11) * 0x1p-53;
    }

    /** One trial of {@code binomial(1, p)}, by inversion as NumPy does it. */
    boolean trial(double p) {
        double u = uniform();
        return p <= 0.5 ? u > 1 - p : u <= p;
    }

    private void step() {
        long product = low * MULTIPLIER_LOW;
        high = Math.unsignedMultiplyHigh(low, MULTIPLIER_LOW) + high * MULTIPLIER_LOW + low * MULTIPLIER_HIGH;
        low = product;
        add(incrementHigh, incrementLow);
    }

    private void add(long otherHigh, long otherLow) {
        low += otherLow;
        high += otherHigh + (Long.compareUnsigned(low, otherLow) < 0 ? 1 : 0);
    }

    /** Four 64-bit words from the seed's 32-bit limbs, stirred in a pool of four. */
    private static long[] seedSequence(long seed) {
        int[] limbs = {(int) seed, (int) (seed >>> 32), 0, 0};
        int[] hash = {0x43B0D7E5};
        int[] pool = new int[4];
        for (int i = 0; i < 4; i++) {
            pool[i] = hashed(limbs[i], hash, 0x931E8875);
        }
        for (int from = 0; from < 4; from++) {
            for (int to = 0; to < 4; to++) {
                if (from != to) {
                    int mixed = 0xCA01F9DD * pool[to] - 0x4973F715 * hashed(pool[from], hash, 0x931E8875);
                    pool[to] = mixed ^ (mixed >>> 16);
                }
            }
        }
        hash[0] = 0x8B51F9DD;
        long[] words = new long[4];
        for (int i = 0; i < 8; i++) {
            words[i / 2] |= Integer.toUnsignedLong(hashed(pool[i % 4], hash, 0x58F38DED)) << (32 * (i % 2));
        }
        return words;
    }

    private static int hashed(int value, int[] hash, int multiplier) {
        int mixed = value ^ hash[0];
        hash[0] *= multiplier;
        mixed *= hash[0];
        return mixed ^ (mixed >>> 16);
    }
}
