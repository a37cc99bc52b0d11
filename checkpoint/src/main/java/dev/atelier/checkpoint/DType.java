package dev.atelier.checkpoint;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The element types of a checkpoint, in the order of the safetensors format's own enumeration: its writer stores
 * tensors by descending rank, so that every tensor is aligned to its element size.
 */
public enum DType {
    BOOL(8, Kind.INTEGER),
    F4(4, Kind.OPAQUE),
    F6_E2M3(6, Kind.OPAQUE),
    F6_E3M2(6, Kind.OPAQUE),
    U8(8, Kind.INTEGER),
    I8(8, Kind.INTEGER),
    F8_E5M2(8, Kind.FLOATING),
    F8_E4M3(8, Kind.FLOATING),
    F8_E8M0(8, Kind.FLOATING),
    F8_E4M3FNUZ(8, Kind.FLOATING),
    F8_E5M2FNUZ(8, Kind.FLOATING),
    I16(16, Kind.INTEGER),
    U16(16, Kind.OPAQUE),
    F16(16, Kind.FLOATING),
    BF16(16, Kind.FLOATING),
    I32(32, Kind.INTEGER),
    U32(32, Kind.OPAQUE),
    F32(32, Kind.FLOATING),
    C64(64, Kind.OPAQUE),
    F64(64, Kind.FLOATING),
    I64(64, Kind.INTEGER),
    U64(64, Kind.OPAQUE);

    /** What can be computed with a type: FLOATING and INTEGER elements can be read as numbers, OPAQUE ones only copied. */
    private enum Kind {
        FLOATING,
        INTEGER,
        OPAQUE
    }

    private static final Map<String, DType> BY_NAME =
            Stream.of(values()).collect(Collectors.toUnmodifiableMap(DType::name, Function.identity()));

    private final int bits;
    private final Kind kind;

    DType(int bits, Kind kind) {
        this.bits = bits;
        this.kind = kind;
    }

    /** Looks up the spelling used in a safetensors header, for example {@code "F16"}. */
    public static Optional<DType> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /** Bits of one element; less than 8 for the packed types. */
    public int bits() {
        return bits;
    }

    /** Whether elements are fp8 (of any of the five kinds), fp16, bf16, fp32 or fp64: the types that merging and casting work on. */
    public boolean isFloating() {
        return kind == Kind.FLOATING;
    }

    /** Whether elements can be read as numbers. */
    public boolean isNumeric() {
        return kind != Kind.OPAQUE;
    }

    /**
     * Bytes that {@code elements} elements take.
     *
     * @throws ArithmeticException if the size overflows, or packed elements do not fill whole bytes
     */
    public long bytes(long elements) {
        long total = Math.multiplyExact(elements, (long) bits);
        if (total % 8 != 0) {
            throw new ArithmeticException("%d elements of %s do not fill whole bytes".formatted(elements, this));
        }
        return total / 8;
    }
}
