package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Conversions between the floating types. The expected bits are PyTorch's. */
class PrecisionTest {

    @ParameterizedTest
    @CsvSource({
        "1.0, 3C00, 3F80",
        "-1.0, BC00, BF80",
        "0.0, 0000, 0000",
        "-0.0, 8000, 8000",
        "0.33333334, 3555, 3EAB",
        "0.1, 2E66, 3DCD",
        "-3.3, C29A, C053",
        "65504, 7BFF, 4780",
        "65519.996, 7BFF, 4780",
        "65520, 7C00, 4780",
        "-65520, FC00, C780",
        "6.0975552e-05, 03FF, 3880",
        "5.9604645e-08, 0001, 3380",
        "2.9802322e-08, 0000, 3300",
        "-2.9802322e-08, 8000, B300",
        "2.9802326e-08, 0001, 3300",
        "2049, 6800, 4500",
        "2051, 6802, 4500",
        "3.3895314e38, 7C00, 7F7F",
        "3.4028235e38, 7C00, 7F80",
        "1e-45, 0000, 0000",
        "1e-40, 0000, 0001",
        "Infinity, 7C00, 7F80",
        "-Infinity, FC00, FF80",
    })
    void singlePrecisionIsRoundedToNearestEven(float value, String half, String brain) {
        Tensor tensor = Bits.floats(value);

        assertThat(hex(tensor.to(DType.F16))).isEqualTo(half);
        assertThat(hex(tensor.to(DType.BF16))).isEqualTo(brain);
    }

    private static String hex(Tensor tensor) {
        return "%04X".formatted(Bits.shorts(tensor)[0]);
    }

    @ParameterizedTest
    @CsvSource({
        "3C00, 1.0",
        "3555, 0.333251953125",
        "7BFF, 65504",
        "0001, 5.9604645e-08",
        "03FF, 6.0975552e-05",
        "8000, -0.0",
        "FC00, -Infinity",
    })
    void halfPrecisionIsWidenedExactly(String bits, float value) {
        Tensor half = Bits.shorts(DType.F16, (short) Integer.parseInt(bits, 16));

        assertThat(Bits.of(half.to(DType.F32))).isEqualTo(Bits.of(Bits.floats(value)));
    }

    @ParameterizedTest
    @CsvSource({"3F80, 1.0", "3EAB, 0.333984375", "7F7F, 3.3895314e38", "0001, 9.1835e-41", "FF80, -Infinity"})
    void brainFloatIsWidenedExactly(String bits, float value) {
        Tensor brain = Bits.shorts(DType.BF16, (short) Integer.parseInt(bits, 16));

        assertThat(Bits.of(brain.to(DType.F32))).isEqualTo(Bits.of(Bits.floats(value)));
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void everyHalfSurvivesWideningAndNarrowing(DType dtype) {
        short[] all = new short[65_536];
        for (int i = 0; i < all.length; i++) {
            all[i] = (short) i;
        }
        Tensor halves = Bits.shorts(dtype, all);

        for (DType wide : new DType[] {DType.F32, DType.F64}) {
            short[] back = Bits.shorts(halves.to(wide).to(dtype));
            for (int i = 0; i < all.length; i++) {
                if (isNaN(dtype, all[i])) {
                    assertThat(isNaN(dtype, back[i])).as("%04X", i).isTrue();
                } else {
                    assertThat(back[i]).as("%04X", i).isEqualTo(all[i]);
                }
            }
        }
    }

    private static boolean isNaN(DType dtype, short bits) {
        return (bits & 0x7FFF) > (dtype == DType.F16 ? 0x7C00 : 0x7F80);
    }

    @Test
    void everySixteenBitNumberGoesBetweenTheTwoHalvesThroughSinglePrecision() {
        short[] all = new short[65_536];
        for (int i = 0; i < all.length; i++) {
            all[i] = (short) i;
        }
        for (DType from : new DType[] {DType.F16, DType.BF16}) {
            DType other = from == DType.F16 ? DType.BF16 : DType.F16;
            Tensor halves = Bits.shorts(from, all);

            assertThat(Bits.shorts(halves.to(other)))
                    .isEqualTo(Bits.shorts(halves.to(DType.F32).to(other)));
        }
    }

    @Test
    void notANumberStaysNotANumber() {
        // quiet, signalling, negative, payload only in the bits that are cut off
        int[] patterns = {0x7FC00000, 0x7F800001, 0xFFC00001, 0x7F80FFFF, 0xFFFFFFFF, 0x7FFFFFFF};
        ByteBuffer bytes = ByteBuffer.allocate(4 * patterns.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int pattern : patterns) {
            bytes.putInt(pattern);
        }
        Tensor tensor = Bits.tensor(DType.F32, Shape.of(patterns.length), bytes.array());

        for (DType dtype : new DType[] {DType.F16, DType.BF16}) {
            for (short bits : Bits.shorts(tensor.to(dtype))) {
                assertThat(isNaN(dtype, bits)).as("%s %04X", dtype, bits).isTrue();
            }
        }
        float[] doubled = new float[patterns.length];
        tensor.to(DType.F64).read(0, doubled, patterns.length);
        assertThat(doubled).containsOnly(Float.NaN);
    }

    @Test
    void doublePrecisionGoesToHalfThroughSinglePrecisionAsInPyTorch() {
        // 1 + 2⁻¹¹ + 2⁻³⁰ lies above the middle between two halves, but rounds to that middle in fp32, and then to even
        double value = 1 + 0x1p-11 + 0x1p-30;
        ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(value);
        Tensor tensor = Bits.tensor(DType.F64, Shape.of(1), bytes.array());

        assertThat(hex(tensor.to(DType.F16))).isEqualTo("3C00");
        assertThat(Bits.of(tensor.to(DType.F32))).isEqualTo(Bits.of(Bits.floats((float) value)));
        assertThat(Bits.of(tensor.to(DType.F64))).isEqualTo(bytes.array());
    }

    @Test
    void integersAreConvertedToTheNearestFloat() {
        ByteBuffer bytes = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(76).putLong(16_777_217).putLong(-9_007_199_254_740_993L);
        Tensor tensor = Bits.tensor(DType.I64, Shape.of(3), bytes.array());

        float[] floats = new float[3];
        tensor.read(0, floats, 3);
        double[] doubles = new double[3];
        tensor.read(0, doubles, 3);

        assertThat(floats).containsExactly(76, 16_777_216, -9_007_199_254_740_992f);
        assertThat(doubles).containsExactly(76, 16_777_217, -9_007_199_254_740_992.0);
        assertThat(Bits.shorts(tensor.to(DType.F16))).startsWith((short) 0x54C0, (short) 0x7C00);
    }

    @ParameterizedTest
    @CsvSource({"I32, -2147483648", "I16, -32768", "I8, -128", "U8, 128", "BOOL, 1"})
    void integersOfEveryWidthAreRead(DType dtype, double value) {
        ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0, (int) (long) value);
        byte[] element = java.util.Arrays.copyOf(bytes.array(), dtype.bits() / 8);
        Tensor tensor = Bits.tensor(dtype, Shape.of(), element);

        double[] actual = new double[1];
        tensor.read(0, actual, 1);
        assertThat(actual[0]).isEqualTo(value);
        float[] rounded = new float[1];
        tensor.read(0, rounded, 1);
        assertThat(rounded[0]).isEqualTo((float) value);
    }

    @Test
    void aTensorOfTheSameTypeIsItself() {
        Tensor tensor = Bits.floats(1, 2);

        assertThat(tensor.to(DType.F32)).isSameAs(tensor);
    }

    @Test
    void conversionToATypeThatIsNotFloatingIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bits.floats(1).to(DType.I64))
                .withMessageContaining("I64");
        assertThatIllegalArgumentException().isThrownBy(() -> Bits.floats(1).to(DType.F6_E2M3));
    }

    @ParameterizedTest
    @EnumSource(names = {"F4", "F6_E2M3", "F6_E3M2", "U16", "U32", "U64", "C64"})
    void opaqueTypesAreCopiedButNotReadAsNumbers(DType dtype) {
        Tensor tensor = Bits.tensor(dtype, Shape.of(8), new byte[dtype.bits()]);

        assertThat(Bits.of(tensor)).hasSize(dtype.bits());
        assertThatThrownBy(() -> tensor.read(0, new float[1], 1))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining(dtype.name());
        assertThatThrownBy(() -> tensor.read(0, new double[1], 1)).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void aConvertedTensorReadsAlikeInWholeAndInParts() {
        float[] values = new float[40_000]; // more than two blocks
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(i) * 100;
        }
        Tensor half = Bits.floats(values).to(DType.F16);
        byte[] whole = Bits.of(half);

        byte[] part = new byte[2 * 20_001];
        half.read(2 * 12_345, MemorySegment.ofArray(part));
        assertThat(part).isEqualTo(java.util.Arrays.copyOfRange(whole, 2 * 12_345, 2 * 12_345 + part.length));

        float[] floats = new float[1000];
        half.read(16_000, floats, 1000);
        double[] doubles = new double[1000];
        half.read(16_000, doubles, 1000);
        for (int i = 0; i < 1000; i++) {
            float expected = Float.float16ToFloat(Float.floatToFloat16(values[16_000 + i]));
            assertThat(floats[i]).isEqualTo(expected);
            assertThat(doubles[i]).isEqualTo(expected);
        }
    }
}
