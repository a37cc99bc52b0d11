package dev.atelier.merge.expression;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CanonicalTest {
    private static final Map<String, String> NAMES =
            Map.of("sd-v1-5.ckpt", "A", "my model (2)", "B", "c/d.safetensors", "C", "GRAD_V", "D");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "sd-v1-5.ckpt | A",
                "fp16(prune('my model (2)')) | B.prune().fp16()",
                "0.70*sd-v1-5.ckpt+.3*'my model (2)' | 0.7*A + 0.3*B",
                "sd-v1-5.ckpt - ('my model (2)' - c/d.safetensors) | A - (B - C)",
                "(sd-v1-5.ckpt - 'my model (2)') - c/d.safetensors | A - B - C",
                "sd-v1-5.ckpt + 1*('my model (2)' - c/d.safetensors) | A + 1*(B - C)",
                "2*(3*sd-v1-5.ckpt) / (1 / 4) | 2*(3*A) / (1 / 4)",
                "-sd-v1-5.ckpt*-2 + --'my model (2)' | -A*-2 + --B",
                "(-sd-v1-5.ckpt).fp16() | (-A).fp16()",
                "(sd-v1-5.ckpt + 'my model (2)').vae(c/d.safetensors) | (A + B).vae(C)",
                "weighted-sum(sd-v1-5.ckpt, 'my model (2)', 1e-7, blocks=GRAD_V, only='a, \"b\"') | weighted-sum(A, B, 1.0E-7, blocks=GRAD_V, only=\"a, \"\"b\"\"\")",
                "sd-v1-5.ckpt.lora('my model (2)':0.6:-1, c/d.safetensors) | lora(A, B:0.6:-1, C)",
            })
    void thereIsOneFormOfTheManyThatMeanTheSame(String written, String expected) {
        String canonical = ModelExpression.parse(written).canonical(NAMES).text();
        assertThat(canonical).isEqualTo(expected);
        assertThat(ModelExpression.parse(canonical).canonical(Map.of()).text()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "weighted-sum(A, B, alpha=0.4) | Weighted sum | 2 | 0.4 | false",
                "weighted-sum(A, B) | Weighted sum | 2 | 0.3 | false",
                "0.75*A + 0.25*B | Weighted sum | 2 | 0.25 | false",
                "(A / 2 + B / 2).fp16() | Weighted sum | 2 | 0.5 | true",
                "A + 0.8*(B - C) | Add difference | 3 | 0.8 | false",
                "add-difference(A, B, C, 1).fp16() | Add difference | 3 | 1 | true",
                "A.fp16() | No interpolation | 1 | 0 | true",
            })
    void whatAutomatic1111CouldHaveMadeIsRecognised(
            String expression, String method, int models, double multiplier, boolean half) {
        WebUiMerge merge = ModelExpression.parse(expression).webUiMerge().orElseThrow();
        assertThat(merge.method()).isEqualTo(method);
        assertThat(merge.models()).hasSize(models);
        assertThat(merge.multiplier()).isEqualTo(multiplier);
        assertThat(merge.half()).isEqualTo(half);
    }

    @Test
    void whatItCouldNotIsNot() {
        for (String expression : new String[] {
            "0.5*A + 0.3*B",
            "0.5*A + 0.3*B + 0.2*C",
            "A.prune()",
            "A.bf16()",
            "slerp(A, B, 0.4)",
            "weighted-sum(A, B, 0.3, blocks=GRAD_V)",
            "weighted-sum(A, B.prune(), 0.3)",
            "weighted-sum(A, B, compat=none)",
            "fp16()",
            "2",
        }) {
            assertThat(ModelExpression.parse(expression).webUiMerge())
                    .as(expression)
                    .isEmpty();
        }
    }
}
