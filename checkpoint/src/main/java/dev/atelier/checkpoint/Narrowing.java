package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/**
 * A conversion to another precision that counts what it loses: numbers too large for the new type, which become infinite (the
 * largest value in fp8 e4m3fn), and numbers too small, which become zero. Counting happens as the elements are converted, so the result must be written exactly once.
 */
public final class Narrowing {
    private final Map<String, Counter> counters = new LinkedHashMap<>();

    /**
     * What one tensor lost.
     *
     * @param overflowed elements that were finite and are not, or are cut to the largest value
     * @param underflowed elements that were not zero and are
     * @param largest the largest magnitude that overflowed; 0 if none did
     */
    public record Loss(String tensor, DType dtype, long elements, long overflowed, long underflowed, double largest) {}

    /** {@link Checkpoint#cast} to {@code dtype}, counting. */
    public Checkpoint cast(Checkpoint checkpoint, DType dtype) {
        return checkpoint.map((name, tensor) -> Checkpoint.castType(name, tensor, dtype)
                .map(target -> cast(name, tensor, target))
                .orElse(tensor));
    }

    private Tensor cast(String name, Tensor tensor, DType target) {
        if (target == tensor.dtype() || target == DType.F64) {
            return tensor.to(target);
        }
        Counter counter = new Counter(target);
        counters.put(name, counter);
        return new CastTensor(tensor, target, counter);
    }

    /** The tensors that lost something, once the result is written; those with overflows first, then by how much was lost. */
    public List<Loss> losses() {
        List<Loss> losses = new ArrayList<>();
        counters.forEach((name, counter) -> {
            if (counter.overflowed.sum() + counter.underflowed.sum() > 0) {
                losses.add(new Loss(
                        name,
                        counter.dtype,
                        counter.elements.sum(),
                        counter.overflowed.sum(),
                        counter.underflowed.sum(),
                        Float.intBitsToFloat((int) counter.largest.get())));
            }
        });
        losses.sort(Comparator.comparingLong(Loss::overflowed)
                .thenComparingDouble(loss -> (double) loss.underflowed / loss.elements)
                .reversed());
        return losses;
    }

    /** Counts for one tensor, from any number of threads. */
    static final class Counter {
        private static final int MAGNITUDE = 0x7FFFFFFF;
        private static final int INFINITY = 0x7F800000;
        private static final ThreadLocal<int[]> BITS = ThreadLocal.withInitial(() -> new int[Scratch.SIZE]);

        private final DType dtype;
        private final float overflow;
        private final float underflow;
        private final LongAdder elements = new LongAdder();
        private final LongAdder overflowed = new LongAdder();
        private final LongAdder underflowed = new LongAdder();
        /** The bits of a non-negative float, which are in the order of the numbers. */
        private final LongAccumulator largest = new LongAccumulator(Math::max, 0);

        Counter(DType dtype) {
            this.dtype = dtype;
            this.overflow = switch (dtype) {
                case F8_E4M3 -> Math.nextUp(464f); // the tie rounds down to 448
                case F8_E5M2, F8_E5M2FNUZ -> 61440f;
                case F8_E4M3FNUZ -> 248f;
                case F16 -> 65520f;
                case BF16 -> Float.intBitsToFloat(0x7F7F8000);
                default -> Float.POSITIVE_INFINITY;
            };
            // half of the smallest number: the tie goes to zero
            this.underflow = switch (dtype) {
                case F8_E4M3 -> 0x1p-10f;
                case F8_E5M2 -> 0x1p-17f;
                case F8_E4M3FNUZ -> 0x1p-11f;
                case F8_E5M2FNUZ -> 0x1p-18f;
                case F16 -> 0x1p-25f;
                case BF16 -> 0x1p-134f;
                default -> 0;
            };
        }

        /** On the bits, which as integers are in the order of non-negative floats: the JIT compiler vectorises that. */
        void count(float[] values, int count) {
            int[] bits = BITS.get();
            MemorySegment.copy(MemorySegment.ofArray(values), ValueLayout.JAVA_INT_UNALIGNED, 0, bits, 0, count);
            int lowest = Float.floatToRawIntBits(overflow);
            int highest = Float.floatToRawIntBits(underflow);
            int over = 0;
            int under = 0;
            for (int i = 0; i < count; i++) {
                int magnitude = bits[i] & MAGNITUDE;
                over += ((lowest - 1 - magnitude) & (magnitude - INFINITY)) >>> 31; // 1 from lowest to below INFINITY
                under += ((magnitude - 1 - highest) & ~(magnitude - 1)) >>> 31; // 1 from above 0 to highest
            }
            elements.add(count);
            overflowed.add(over);
            underflowed.add(under);
            if (over > 0) {
                largest.accumulate(worst(bits, count));
            }
        }

        private static int worst(int[] bits, int count) {
            int worst = 0;
            for (int i = 0; i < count; i++) {
                int magnitude = bits[i] & MAGNITUDE;
                worst = magnitude < INFINITY ? Math.max(worst, magnitude) : worst;
            }
            return worst;
        }
    }
}
