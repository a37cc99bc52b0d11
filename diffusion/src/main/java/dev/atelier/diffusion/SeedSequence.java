package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * NumPy's {@code SeedSequence} with a pool of 24 words, as torchsde seeds its Brownian trees: many independent seeds
 * from one, by a path. After O'Neill 2015, "Developing a seed_seq Alternative".
 */
final class SeedSequence {
    private static final int POOL = 24;

    // O'Neill's constants: start and multiplier of both hashes, and the two factors of the mixer
    private static final int HASH_START = 0x43b0d7e5;
    private static final int HASH_FACTOR = 0x931e8875;
    private static final int OUTPUT_START = 0x8b51f9dd;
    private static final int OUTPUT_FACTOR = 0x58f38ded;
    private static final int MIX_LEFT = 0xca01f9dd;
    private static final int MIX_RIGHT = 0x4973f715;

    private final int[] pool = new int[POOL];
    private int hashConstant = HASH_START;

    /** @param path the spawn key; none at the root */
    SeedSequence(long seed, long... path) {
        int[] data = data(seed, path);
        for (int i = 0; i < POOL; i++) {
            pool[i] = hash(i < data.length ? data[i] : 0);
        }
        for (int from = 0; from < POOL; from++) {
            for (int to = 0; to < POOL; to++) {
                if (from != to) {
                    pool[to] = mix(pool[to], hash(pool[from]));
                }
            }
        }
        for (int from = POOL; from < data.length; from++) {
            for (int to = 0; to < POOL; to++) {
                pool[to] = mix(pool[to], hash(data[from]));
            }
        }
    }

    /** The seed's words, filled up to the size of the pool where a path follows, and the words of the path. */
    private static int[] data(long seed, long[] path) {
        IntStream words = words(seed);
        if (path.length > 0) {
            words = IntStream.concat(words, IntStream.generate(() -> 0)).limit(POOL);
        }
        return IntStream.concat(words, Arrays.stream(path).boxed().flatMapToInt(SeedSequence::words))
                .toArray();
    }

    private static IntStream words(long value) {
        int high = (int) (value >>> 32);
        return high == 0 ? IntStream.of((int) value) : IntStream.of((int) value, high);
    }

    private int hash(int value) {
        int mixed = value ^ hashConstant;
        hashConstant *= HASH_FACTOR;
        mixed *= hashConstant;
        return mixed ^ mixed >>> 16;
    }

    private static int mix(int x, int y) {
        int mixed = MIX_LEFT * x - MIX_RIGHT * y;
        return mixed ^ mixed >>> 16;
    }

    /** The first {@code count} words, each in the low half of a long. */
    long[] words(int count) {
        long[] words = new long[count];
        int constant = OUTPUT_START;
        for (int i = 0; i < count; i++) {
            int word = pool[i % POOL] ^ constant;
            constant *= OUTPUT_FACTOR;
            word *= constant;
            words[i] = Integer.toUnsignedLong(word ^ word >>> 16);
        }
        return words;
    }
}
