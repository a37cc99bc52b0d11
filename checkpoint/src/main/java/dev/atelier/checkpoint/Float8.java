package dev.atelier.checkpoint;

/**
 * The two 8-bit floating types of PyTorch: e4m3fn (bias 7, no infinities, largest value 448) and e5m2 (bias 15, with infinities, largest
 * value 57344). Rounded to nearest, ties to even. What is too large becomes infinite in e5m2, and the largest value in e4m3fn, as
 * PyTorch 2.13 converts (earlier ones made it NaN).
 */
final class Float8 {
    private static final float[] E4M3 = table(4, 3, 7);
    private static final float[] E5M2 = table(5, 2, 15);

    private Float8() {}

    static float toFloat(DType dtype, byte bits) {
        return (dtype == DType.F8_E4M3 ? E4M3 : E5M2)[bits & 0xFF];
    }

    private static float[] table(int exponentBits, int fractionBits, int bias) {
        float[] values = new float[256];
        int maxExponent = (1 << exponentBits) - 1;
        for (int bits = 0; bits < 256; bits++) {
            int exponent = (bits >> fractionBits) & maxExponent;
            int fraction = bits & ((1 << fractionBits) - 1);
            float magnitude = exponent == 0
                    ? Math.scalb((float) fraction, 1 - bias - fractionBits)
                    : Math.scalb((float) (fraction + (1 << fractionBits)), exponent - bias - fractionBits);
            if (exponentBits == 5 && exponent == maxExponent) {
                magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            } else if (exponentBits == 4 && (bits & 0x7F) == 0x7F) {
                magnitude = Float.NaN;
            }
            values[bits] = bits < 128 ? magnitude : -magnitude;
        }
        return values;
    }

    static byte fromFloat(DType dtype, float value) {
        return dtype == DType.F8_E4M3 ? encode(value, 3, 7, 0x7E, 0x7E) : encode(value, 2, 15, 0x7B, 0x7C);
    }

    /** @param largest the bits of the largest finite value; {@code overflow}, what lies above it becomes */
    private static byte encode(float value, int fractionBits, int bias, int largest, int overflow) {
        int raw = Float.floatToRawIntBits(value);
        int sign = (raw >>> 24) & 0x80;
        if (Float.isNaN(value)) {
            return (byte) (sign | 0x7F);
        }
        int exponent = ((raw >>> 23) & 0xFF) - 127;
        int dropped = 23 - fractionBits + Math.max(0, 1 - bias - exponent);
        if (dropped > 25) {
            return (byte) sign; // below half of the smallest value
        }
        int significand = (raw & 0x7FFFFF) | 0x800000;
        int kept = significand >>> dropped;
        int rest = significand & ((1 << dropped) - 1);
        int half = 1 << (dropped - 1);
        if (rest > half || (rest == half && (kept & 1) == 1)) {
            kept++;
        }
        // a subnormal has no leading one; a carry out of the fraction raises the exponent by itself
        int bits = exponent >= 1 - bias ? ((exponent + bias - 1) << fractionBits) + kept : kept;
        return (byte) (sign | (bits > largest ? overflow : bits));
    }
}
