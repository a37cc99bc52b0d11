package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Counts NaN and infinite elements at the speed of memory: eight bytes at a time are tested for an element whose exponent
 * is all ones, and only a block that has one is counted through.
 */
final class NonFinite {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 8_192;

    private final long[] words = new long[BLOCK];

    /** The exponent bits of one element; for fp8 e4m3, whose only NaN is all ones, those of the fraction too. */
    private static long exponent(DType dtype) {
        return switch (dtype) {
            case F16 -> 0x7C00;
            case BF16 -> 0x7F80;
            case F32 -> 0x7F80_0000;
            case F64 -> 0x7FF0_0000_0000_0000L;
            case F8_E5M2 -> 0x7C;
            case F8_E4M3 -> 0x7F;
            default -> 0;
        };
    }

    /** The only element of some 8-bit types that is not finite; 0 for the others. */
    private static long onlyNan(DType dtype) {
        return switch (dtype) {
            case F8_E4M3FNUZ, F8_E5M2FNUZ -> 0x80;
            case F8_E8M0 -> 0xFF;
            default -> 0;
        };
    }

    /** Counts in {@code bytes}, which hold whole elements. What is not a floating type counts as finite. */
    Verification.Count count(DType dtype, MemorySegment bytes) {
        long exponent = exponent(dtype);
        long everyExponent = exponent;
        long everyLowest = Long.lowestOneBit(exponent);
        for (int width = dtype.bits(); width < 64; width *= 2) {
            everyExponent |= everyExponent << width;
            everyLowest |= everyLowest << width;
        }
        long signs = everyExponent + everyLowest;
        long onlyNan = onlyNan(dtype);
        long nan = 0;
        long infinite = 0;
        long size = bytes.byteSize();
        for (long offset = 0; offset < size; offset += 8L * BLOCK) {
            int count = load(bytes, offset);
            if (onlyNan != 0) {
                nan += countWhere(8, 0xFF, onlyNan, count);
                continue;
            }
            // An exponent of all ones, and no other, is carried into the bit of the sign, which was cleared.
            long carried = 0;
            for (int i = 0; i < count; i++) {
                carried |= (words[i] & everyExponent) + everyLowest;
            }
            if ((carried & signs) != 0) {
                long notFinite = countWhere(dtype.bits(), exponent, exponent, count);
                long fractionless = dtype == DType.F8_E4M3
                        ? 0
                        : countWhere(dtype.bits(), exponent | Long.lowestOneBit(exponent) - 1, exponent, count);
                nan += notFinite - fractionless;
                infinite += fractionless;
            }
        }
        return new Verification.Count(nan, infinite);
    }

    /** Loads the words from {@code offset} on, the last one filled up with zeros, which are finite. */
    private int load(MemorySegment bytes, long offset) {
        long left = bytes.byteSize() - offset;
        int count = (int) Math.min(BLOCK, left / 8);
        MemorySegment.copy(bytes, LONG, offset, words, 0, count);
        if (count < BLOCK && left % 8 != 0) {
            long last = 0;
            for (int i = 0; i < left % 8; i++) {
                last |= (bytes.get(ValueLayout.JAVA_BYTE, offset + 8L * count + i) & 0xFFL) << (8 * i);
            }
            words[count++] = last;
        }
        return count;
    }

    private long countWhere(int bits, long mask, long wanted, int count) {
        long found = 0;
        for (int i = 0; i < count; i++) {
            for (int shift = 0; shift < 64; shift += bits) {
                if ((words[i] >>> shift & mask) == wanted) {
                    found++;
                }
            }
        }
        return found;
    }
}
