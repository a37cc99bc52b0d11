package dev.atelier.checkpoint;

/**
 * The 8-bit floating types of PyTorch, rounded to nearest, ties to even, as PyTorch 2.13 converts:
 *
 * <ul>
 *   <li>e4m3fn: bias 7, no infinities; what is too large becomes the largest value, 448 (NaN in earlier versions)
 *   <li>e5m2: bias 15, largest value 57344, with infinities
 *   <li>e4m3fnuz, e5m2fnuz: bias 8 and 16, largest value 240 and 57344; no infinities and no negative zero, whose bits
 *       are the only NaN, and what is too large becomes that
 *   <li>e8m0fnu: powers of two from 2⁻¹²⁷ to 2¹²⁷ and NaN; a number's sign is lost
 * </ul>
 */
final class Float8 {
    private static final float[] E4M3 = table(Layout.E4M3);
    private static final float[] E5M2 = table(Layout.E5M2);
    private static final float[] E4M3_FNUZ = table(Layout.E4M3_FNUZ);
    private static final float[] E5M2_FNUZ = table(Layout.E5M2_FNUZ);
    private static final float[] E8M0 = powers();

    private static final int NEGATIVE_ZERO = 0x80;
    private static final int E8M0_NAN = 0xFF;
    private static final int HALF = 0x400000;

    /**
     * @param largest the bits of the largest finite value
     * @param overflow the bits of what lies above it
     * @param nan the bits of NaN, beside the sign
     */
    private record Layout(int fractionBits, int bias, int largest, int overflow, int nan) {
        static final Layout E4M3 = new Layout(3, 7, 0x7E, 0x7E, 0x7F);
        static final Layout E5M2 = new Layout(2, 15, 0x7B, 0x7C, 0x7F);
        static final Layout E4M3_FNUZ = new Layout(3, 8, 0x7F, NEGATIVE_ZERO, NEGATIVE_ZERO);
        static final Layout E5M2_FNUZ = new Layout(2, 16, 0x7F, NEGATIVE_ZERO, NEGATIVE_ZERO);

        boolean hasNegativeZero() {
            return nan != NEGATIVE_ZERO;
        }
    }

    private Float8() {}

    static float toFloat(DType dtype, byte bits) {
        return values(dtype)[bits & 0xFF];
    }

    /** The numbers of all 256 elements. */
    static float[] values(DType dtype) {
        return switch (dtype) {
            case F8_E4M3 -> E4M3;
            case F8_E5M2 -> E5M2;
            case F8_E4M3FNUZ -> E4M3_FNUZ;
            case F8_E5M2FNUZ -> E5M2_FNUZ;
            case F8_E8M0 -> E8M0;
            default -> throw new IllegalArgumentException(dtype + " is no 8-bit float");
        };
    }

    private static float[] table(Layout layout) {
        float[] values = new float[256];
        for (int bits = 0; bits < 256; bits++) {
            int exponent = (bits & 0x7F) >> layout.fractionBits;
            int fraction = bits & ((1 << layout.fractionBits) - 1);
            float magnitude = exponent == 0
                    ? Math.scalb((float) fraction, 1 - layout.bias - layout.fractionBits)
                    : Math.scalb(
                            (float) (fraction + (1 << layout.fractionBits)),
                            exponent - layout.bias - layout.fractionBits);
            if ((bits & 0x7F) > layout.largest) {
                magnitude = (bits & 0x7F) == layout.overflow ? Float.POSITIVE_INFINITY : Float.NaN;
            } else if (bits == NEGATIVE_ZERO && !layout.hasNegativeZero()) {
                magnitude = Float.NaN;
            }
            values[bits] = bits < 128 ? magnitude : -magnitude;
        }
        return values;
    }

    private static float[] powers() {
        float[] values = new float[256];
        for (int bits = 0; bits < E8M0_NAN; bits++) {
            values[bits] = Math.scalb(1f, bits - 127);
        }
        values[E8M0_NAN] = Float.NaN;
        return values;
    }

    static byte fromFloat(DType dtype, float value) {
        return switch (dtype) {
            case F8_E4M3 -> encode(value, Layout.E4M3);
            case F8_E5M2 -> encode(value, Layout.E5M2);
            case F8_E4M3FNUZ -> encode(value, Layout.E4M3_FNUZ);
            case F8_E5M2FNUZ -> encode(value, Layout.E5M2_FNUZ);
            case F8_E8M0 -> encodePower(value);
            default -> throw new IllegalArgumentException(dtype + " is no 8-bit float");
        };
    }

    private static byte encode(float value, Layout layout) {
        int raw = Float.floatToRawIntBits(value);
        int sign = (raw >>> 24) & 0x80;
        if (Float.isNaN(value)) {
            return (byte) (sign | layout.nan);
        }
        int exponent = ((raw >>> 23) & 0xFF) - 127;
        int dropped = 23 - layout.fractionBits + Math.max(0, 1 - layout.bias - exponent);
        if (dropped > 25) {
            return (byte) (layout.hasNegativeZero() ? sign : 0); // below half of the smallest value
        }
        int significand = (raw & 0x7FFFFF) | 0x800000;
        int kept = significand >>> dropped;
        int rest = significand & ((1 << dropped) - 1);
        int half = 1 << (dropped - 1);
        if (rest > half || (rest == half && (kept & 1) == 1)) {
            kept++;
        }
        // a subnormal has no leading one; a carry out of the fraction raises the exponent by itself
        int bits = exponent >= 1 - layout.bias ? ((exponent + layout.bias - 1) << layout.fractionBits) + kept : kept;
        if (bits == 0 && !layout.hasNegativeZero()) {
            return 0;
        }
        return (byte) (sign | (bits > layout.largest ? layout.overflow : bits));
    }

    /** From 1.5 times a power of two on it is the next; what is exactly half of the smallest normal number becomes 2⁻¹²⁷. */
    private static byte encodePower(float value) {
        int raw = Float.floatToRawIntBits(value);
        int exponent = (raw >>> 23) & 0xFF;
        int fraction = raw & 0x7FFFFF;
        boolean up = fraction > HALF || (fraction == HALF && exponent > 0);
        return (byte) (up && exponent < E8M0_NAN ? exponent + 1 : exponent);
    }
}
