package dev.atelier.diffusion;

/**
 * MT19937, the Mersenne Twister with 32-bit words. Constants: Matsumoto and Nishimura, "Mersenne Twister: A
 * 623-dimensionally equidistributed uniform pseudo-random number generator", 1998, and their initialisation of 2002.
 */
final class MersenneTwister {
    private static final int WORDS = 624;
    private static final int SHIFT = 397;

    private final int[] state = new int[WORDS];
    private int used = WORDS;

    MersenneTwister(int seed) {
        state[0] = seed;
        for (int i = 1; i < WORDS; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    /** The next 32 random bits. */
    int next() {
        if (used == WORDS) {
            twist();
            used = 0;
        }
        int word = state[used];
        used++;
        word ^= word >>> 11;
        word ^= word << 7 & 0x9D2C5680;
        word ^= word << 15 & 0xEFC60000;
        return word ^ (word >>> 18);
    }

    private void twist() {
        for (int i = 0; i < WORDS; i++) {
            int mixed = (state[i] & 0x80000000) | (state[(i + 1) % WORDS] & 0x7FFFFFFF);
            int twisted = (mixed & 1) == 0 ? mixed >>> 1 : mixed >>> 1 ^ 0x9908B0DF;
            state[i] = state[(i + SHIFT) % WORDS] ^ twisted;
        }
    }
}
