package dev.atelier.checkpoint;

/**
 * Puts the CRC-32 of a whole together from those of its parts, which may be computed in any order: the exclusive or of all
 * {@code followedBy(bytes behind the part, crc of the part)}. A CRC is a polynomial over the field of two elements, and bytes
 * that follow multiply it by a power of x (as in zlib's {@code crc32_combine}).
 */
final class Crc32 {
    /** The polynomial, its lowest bit that of x³¹. */
    private static final int POLYNOMIAL = 0xEDB88320;

    private static final int ONE = 1 << 31;

    /** x to the power of 2ⁱ. */
    private static final int[] POWERS = new int[32];

    static {
        POWERS[0] = ONE >>> 1;
        for (int i = 1; i < POWERS.length; i++) {
            POWERS[i] = product(POWERS[i - 1], POWERS[i - 1]);
        }
    }

    private Crc32() {}

    /** What a part contributes to the CRC of a whole in which so many bytes come after it. */
    static int followedBy(long bytes, int crc) {
        int power = ONE;
        int i = 3; // a byte has 2³ bits
        for (long rest = bytes; rest != 0; rest >>>= 1) {
            if ((rest & 1) == 1) {
                power = product(POWERS[i % POWERS.length], power);
            }
            i++;
        }
        return product(power, crc);
    }

    private static int product(int a, int b) {
        int product = 0;
        int shifted = b;
        for (int bit = ONE; bit != 0; bit >>>= 1) {
            if ((a & bit) != 0) {
                product ^= shifted;
            }
            shifted = (shifted & 1) == 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
        }
        return product;
    }
}
