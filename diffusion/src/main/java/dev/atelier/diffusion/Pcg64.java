package dev.atelier.diffusion;

/**
 * numpy's default generator as it is with the seed 0: PCG XSL RR 128/64 (O'Neill 2014, "PCG: A Family of Simple Fast
 * Space-Efficient Statistically Good Algorithms for Random Number Generation").
 */
final class Pcg64 {
    private static final long MULTIPLIER_HIGH = 0x2360ed051fc65da4L;
    private static final long MULTIPLIER_LOW = 0x4385df649fccf645L;
    private static final long INCREMENT_HIGH = 0x418ddadb3af71a82L;
    private static final long INCREMENT_LOW = 0x588133bc447873a9L;

    private long high = 0x1aa1b5345996452dL;
    private long low = 0x09585eb7a69561e3L;

    /** Evenly distributed in [0, 1), in steps of 2⁻⁵³. */
    double nextDouble() {
        long nextLow = low * MULTIPLIER_LOW + INCREMENT_LOW;
        long carry = Long.compareUnsigned(nextLow, INCREMENT_LOW) < 0 ? 1 : 0;
        high = Math.unsignedMultiplyHigh(low, MULTIPLIER_LOW)
                + high * MULTIPLIER_LOW
                + low * MULTIPLIER_HIGH
                + INCREMENT_HIGH
                + carry;
        low = nextLow;
        return (Long.rotateRight(high ^ low, (int) (high >>> 58)) >>> 11) * 0x1p-53;
    }
}
