package dev.atelier.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Conversions between stored elements and Java numbers: the hot loops of merging. Each is a bulk copy followed by a
 * plain loop over arrays, which the JIT compiler vectorises (loops over segments it does not, or less well).
 */
final class Elements {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ThreadLocal<short[]> HALVES = ThreadLocal.withInitial(() -> new short[Scratch.SIZE]);

    private static final ThreadLocal<byte[]> BYTES = ThreadLocal.withInitial(() -> new byte[Scratch.SIZE]);

    private static final int BF16_NAN = 0x7FC00000;

    private Elements() {}

    static void decode(DType dtype, MemorySegment source, long first, float[] target, int count) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(source, FLOAT, first * 4, target, 0, count);
            case F16 -> {
                short[] halves = HALVES.get();
                MemorySegment.copy(source, SHORT, first * 2, halves, 0, count);
                for (int i = 0; i < count; i++) {
                    target[i] = Float.float16ToFloat(halves[i]);
                }
            }
            case BF16 -> {
                short[] halves = HALVES.get();
                MemorySegment.copy(source, SHORT, first * 2, halves, 0, count);
                for (int i = 0; i < count; i++) {
                    target[i] = Float.intBitsToFloat(halves[i] << 16);
                }
            }
            case F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, F8_E8M0 -> {
                byte[] bytes = BYTES.get();
                float[] values = Float8.values(dtype);
                MemorySegment.copy(source, JAVA_BYTE, first, bytes, 0, count);
                for (int i = 0; i < count; i++) {
                    target[i] = values[bytes[i] & 0xFF];
                }
            }
            case I64 -> {
                for (int i = 0; i < count; i++) {
                    target[i] = source.getAtIndex(LONG, first + i);
                }
            }
            default -> {
                for (int i = 0; i < count; i++) {
                    target[i] = (float) number(dtype, source, first + i);
                }
            }
        }
    }

    static void decode(DType dtype, MemorySegment source, long first, double[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = number(dtype, source, first + i);
        }
    }

    private static double number(DType dtype, MemorySegment source, long index) {
        return switch (dtype) {
            case F64 -> source.getAtIndex(DOUBLE, index);
            case F32 -> source.getAtIndex(FLOAT, index);
            case F16 -> Float.float16ToFloat(source.getAtIndex(SHORT, index));
            case BF16 -> Float.intBitsToFloat(source.getAtIndex(SHORT, index) << 16);
            case I64 -> source.getAtIndex(LONG, index);
            case I32 -> source.getAtIndex(INT, index);
            case I16 -> source.getAtIndex(SHORT, index);
            case F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, F8_E8M0 ->
                Float8.toFloat(dtype, source.get(JAVA_BYTE, index));
            case I8 -> source.get(JAVA_BYTE, index);
            case U8, BOOL -> source.get(JAVA_BYTE, index) & 0xFF;
            default -> throw new UnsupportedOperationException("elements of type " + dtype + " can only be copied");
        };
    }

    /** Writes {@code count} numbers, rounded to nearest even, as elements {@code first…} of the target. */
    static void encode(DType dtype, float[] source, int count, MemorySegment target, long first) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(source, 0, target, FLOAT, first * 4, count);
            case F16 -> {
                short[] halves = HALVES.get();
                for (int i = 0; i < count; i++) {
                    halves[i] = Float.floatToFloat16(source[i]);
                }
                MemorySegment.copy(halves, 0, target, SHORT, first * 2, count);
            }
            case BF16 -> {
                short[] halves = HALVES.get();
                for (int i = 0; i < count; i++) {
                    halves[i] = (short) (roundedToBf16(source[i]) >>> 16);
                }
                MemorySegment.copy(halves, 0, target, SHORT, first * 2, count);
            }
            case F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, F8_E8M0 -> {
                byte[] bytes = BYTES.get();
                for (int i = 0; i < count; i++) {
                    bytes[i] = Float8.fromFloat(dtype, source[i]);
                }
                MemorySegment.copy(bytes, 0, target, JAVA_BYTE, first, count);
            }
            default -> throw new IllegalArgumentException("no fp32 encoding of " + dtype);
        }
    }

    static void encode(double[] source, int count, MemorySegment target, long first) {
        MemorySegment.copy(source, 0, target, DOUBLE, first * 8, count);
    }

    /** The bits as fp32, of which the lower half is zero. */
    private static int roundedToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int even = (bits + 0x7FFF + ((bits >>> 16) & 1)) & 0xFFFF0000;
        return Float.isNaN(value) ? BF16_NAN : even;
    }

    static void round(DType dtype, float[] values, int count) {
        switch (dtype) {
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = Float.intBitsToFloat(roundedToBf16(values[i]));
                }
            }
            case F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, F8_E8M0 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = Float8.toFloat(dtype, Float8.fromFloat(dtype, values[i]));
                }
            }
            default -> {} // fp32 arithmetic is already rounded to fp32; fp64 never passes through here
        }
    }
}
