package dev.atelier.diffusion;

/**
 * The noise that {@code torch.randn} draws on an NVIDIA GPU: Philox 4×32-10 (Salmon et al., "Parallel Random Numbers:
 * As Easy as 1, 2, 3", 2011) with one counter per element, and the Box–Muller transform of two of its four words.
 */
final class PhiloxNoise implements NoiseGenerator {
    private static final int ROUNDS = 10;

    // multipliers and key increments: Salmon et al., table 2 and section 4.3
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int KEY_STEP_0 = 0x9E3779B9;
    private static final int KEY_STEP_1 = 0xBB67AE85;

    // curand_normal.h: CURAND_2POW32_INV and CURAND_2POW32_INV_2PI, which are floats
    private static final double TO_UNIT = 2.3283064e-10f;
    private static final double TO_ANGLE = 2.3283064e-10f * 6.2831855f;

    private final long seed;
    private int draw;

    PhiloxNoise(long seed) {
        this.seed = seed;
    }

    @Override
    public float[] next(int count) {
        float[] noise = new float[count];
        for (int i = 0; i < count; i++) {
            int[] words = words(seed, draw, i);
            double u = Integer.toUnsignedLong(words[0]) * TO_UNIT + TO_UNIT / 2;
            double angle = Integer.toUnsignedLong(words[1]) * TO_ANGLE + TO_ANGLE / 2;
            noise[i] = (float) (Math.sqrt(-2 * Math.log(u)) * Math.sin(angle));
        }
        draw++;
        return noise;
    }

    /** The four random words of one element of one draw. */
    static int[] words(long seed, int draw, int element) {
        int c0 = draw;
        int c1 = 0;
        int c2 = element;
        int c3 = 0;
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = Integer.toUnsignedLong(c0) * MULTIPLIER_0;
            long p1 = Integer.toUnsignedLong(c2) * MULTIPLIER_1;
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += KEY_STEP_0;
            k1 += KEY_STEP_1;
        }
        return new int[] {c0, c1, c2, c3};
    }
}
