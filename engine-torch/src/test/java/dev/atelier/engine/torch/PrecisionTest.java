package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

/** In what type operations answer in bf16: as under torch.autocast, as {@code reference/make_precision_reference.py} prints. */
class PrecisionTest {
    private static final TorchOps OPS = new TorchOps();
    private static final ScalarType FP32 = ScalarType.Float;
    private static final ScalarType BF16 = ScalarType.BFloat16;

    static final List<Arguments> ANSWERS = List.of(
            of("linear", BF16, BF16, false, x -> OPS.linear(x, torch.randn(8, 8), torch.randn(8))),
            of("conv2d", BF16, BF16, true, x -> OPS.conv2d(x, torch.randn(8, 8, 1, 1), torch.randn(8), 1, 0)),
            of("attention", BF16, BF16, false, x -> OPS.attention(x, x, x, 1, false)),
            of("groupNorm", FP32, BF16, true, x -> OPS.groupNorm(x, 2, torch.randn(8), torch.randn(8), 1e-5)),
            of("layerNorm", FP32, BF16, false, x -> OPS.layerNorm(x, torch.randn(8), torch.randn(8), 1e-5)),
            of("silu", FP32, BF16, true, OPS::silu),
            of("gelu", FP32, BF16, false, OPS::gelu),
            of("upsample2x", FP32, BF16, true, OPS::upsample2x),
            of("add", FP32, FP32, true, x -> OPS.add(x, torch.randn(1, 8, 4, 4))));

    /** @param image whether it takes an image or tokens */
    private static Arguments of(
            String name, ScalarType fp32, ScalarType bf16, boolean image, UnaryOperator<Tensor> operation) {
        return Arguments.of(name, fp32, bf16, image, operation);
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("ANSWERS")
    void operationsAnswerInTheTypesOfPyTorch(
            String name, ScalarType fp32, ScalarType bf16, boolean image, UnaryOperator<Tensor> operation) {
        try (PointerScope _ = new PointerScope();
                Precision.Scope _ = Precision.BF16.on(torch.DeviceType.CPU)) {
            Tensor x = image ? torch.randn(1, 8, 4, 4) : torch.randn(1, 6, 8);
            assertThat(operation.apply(x).scalar_type().intern()).isEqualTo(fp32);
            assertThat(operation.apply(x.to(BF16)).scalar_type().intern()).isEqualTo(bf16);
        }
    }
}
