package dev.atelier.merge;

/** PyTorch's generator on a CPU: MT19937 (Matsumoto and Nishimura 1998), initialised from one word of the seed. */
final class TorchRandom {
    private static final int N = 624;
    private static final int M = 397;

    private final int[] state = new int[N];
    private int next = N;

    TorchRandom(long seed) {
        state[0] = (int) seed;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    int word() {
        if (next == N) {
            for (int i = 0; i < N; i++) {
                int joined = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7FFFFFFF);
                state[i] = state[(i + M) % N] ^ (joined >>> 1) ^ ((joined & 1) == 0 ? 0 : 0x9908B0DF);
            }
            next = 0;
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9D2C5680;
        y ^= (y << 15) & 0xEFC60000;
        return y ^ (y >>> 18);
    }

    /** A uniform fp32 number of [0, 1). */
    float single() {
        return (word() & 0xFFFFFF) * 0x1p-24f;
    }

    /** A uniform fp64 number of [0, 1), from two words, the first the higher. */
    double twofold() {
        long high = Integer.toUnsignedLong(word());
        return (((high << 32) | Integer.toUnsignedLong(word())) & ((1L << 53) - 1)) * 0x1p-53;
    }
}
