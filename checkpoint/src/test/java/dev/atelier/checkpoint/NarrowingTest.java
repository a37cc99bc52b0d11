package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NarrowingTest {
    @TempDir
    Path folder;

    @Test
    void eightBitFloatsAreThoseOfPyTorch() throws IOException {
        byte[] recorded;
        try (InputStream zipped = NarrowingTest.class.getResourceAsStream("float8.bin.gz");
                InputStream plain = new GZIPInputStream(zipped)) {
            recorded = plain.readAllBytes();
        }
        ByteBuffer all = ByteBuffer.wrap(recorded).order(ByteOrder.LITTLE_ENDIAN);
        DType[] types = {DType.F8_E4M3, DType.F8_E5M2, DType.F8_E4M3FNUZ, DType.F8_E5M2FNUZ, DType.F8_E8M0};
        int at = 0;
        for (int low : new int[] {0, 1, 0x8000, 0x8001}) {
            for (DType dtype : types) {
                for (int i = 0; i < 65_536; i++, at++) {
                    float value = Float.intBitsToFloat(i << 16 | low);
                    float expected = Float8.toFloat(dtype, recorded[at]);
                    float actual = Float8.toFloat(dtype, Float8.fromFloat(dtype, value));
                    if (Float.floatToIntBits(actual) != Float.floatToIntBits(expected)) {
                        assertThat(actual).as("%s as %s", value, dtype).isEqualTo(Float.valueOf(expected));
                    }
                }
            }
        }
        for (DType dtype : types) {
            for (int bits = 0; bits < 256; bits++, at += 4) {
                assertThat(Float8.toFloat(dtype, (byte) bits))
                        .as("%d as %s", bits, dtype)
                        .isEqualTo(Float.valueOf(all.getFloat(at)));
            }
        }
        assertThat(at).isEqualTo(recorded.length);
    }

    @ParameterizedTest
    @CsvSource({
        "F8_E4M3, 0x38, 1",
        "F8_E4M3, 0x7E, 448",
        "F8_E4M3, 0x01, 0.001953125",
        "F8_E4M3, 0xC5, -3.25",
        "F8_E4M3, 0x7F, NaN",
        "F8_E5M2, 0x3C, 1",
        "F8_E5M2, 0x7B, 57344",
        "F8_E5M2, 0x7C, Infinity",
        "F8_E5M2, 0x01, 1.52587890625E-5"
    })
    void theBitsMeanWhatTheFormatsSay(DType dtype, String bits, float value) {
        assertThat(Float8.toFloat(dtype, Integer.decode(bits).byteValue())).isEqualTo((Float) value);
    }

    @Test
    void everyLossIsCountedOnce() {
        float[] values = {1, 464, 464.1f, -1e6f, 0x1p-10f, 0x1.1p-10f, -0x1p-30f, 0, Float.NaN, Float.NEGATIVE_INFINITY
        };
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("model.diffusion_model.x", new ReshapedTensor(Bits.floats(values), Shape.of(2, 5)));
        tensors.put("model.diffusion_model.bias", Bits.floats(70_000, 1e-8f, 1));
        tensors.put("first_stage_model.x", new ReshapedTensor(Bits.floats(65_519, 65_520), Shape.of(1, 2)));
        tensors.put("alphas_cumprod", Bits.floats(1e-9f));
        tensors.put("model.diffusion_model.sound", new ReshapedTensor(Bits.floats(0.5f, -448), Shape.of(1, 2)));

        Narrowing narrowing = new Narrowing();
        Path file = folder.resolve("small.safetensors");
        narrowing
                .cast(Checkpoint.of(List.of(), tensors, Map.of()), DType.F8_E4M3)
                .writeTo(file, Progress.NONE);

        assertThat(narrowing.losses())
                .containsExactly(
                        new Narrowing.Loss("model.diffusion_model.x", DType.F8_E4M3, 10, 2, 2, 1e6),
                        new Narrowing.Loss("model.diffusion_model.bias", DType.F16, 3, 1, 1, 70_000),
                        new Narrowing.Loss("first_stage_model.x", DType.F16, 2, 1, 0, 65_520));
        Checkpoint read = Checkpoints.open(file);
        assertThat(read.tensor("model.diffusion_model.x").dtype()).isEqualTo(DType.F8_E4M3);
        assertThat(read.tensor("alphas_cumprod").dtype()).isEqualTo(DType.F32);
        float[] back = new float[2];
        read.tensor("model.diffusion_model.sound").read(0, back, 2);
        assertThat(back).containsExactly(0.5f, -448);
        double[] wide = new double[2];
        read.tensor("model.diffusion_model.sound").to(DType.F32).read(0, wide, 2);
        assertThat(wide).containsExactly(0.5, -448);
    }

    @Test
    void aCkptHoldsEightBitFloatsAndBrainFloats() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("a", new ReshapedTensor(Bits.floats(1, 2, 3, 4, 5, 6), Shape.of(2, 3)).to(DType.F8_E5M2));
        tensors.put("b", Bits.floats(1, -0.1f).to(DType.BF16));
        tensors.put("c", Bits.floats(0.25f).to(DType.F16));
        Path file = folder.resolve("small.ckpt");
        Checkpoint.of(List.of(), tensors, Map.of()).writeTo(file, Progress.NONE);
        Bits.assertSame(Checkpoints.open(file).tensors(), tensors);
        assertThat(PickleScan.of(file).isClean()).isTrue();
    }
}
