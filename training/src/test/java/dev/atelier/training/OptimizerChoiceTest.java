package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.engine.torch.OptimizerSettings;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OptimizerChoiceTest {
    @Test
    void nothingSaidIsTheUsual() {
        assertThat(OptimizerChoice.ADAMW.settings(Map.of())).isEqualTo(OptimizerSettings.DEFAULT);
        assertThat(OptimizerChoice.LION.settings(Map.of())).isEqualTo(OptimizerSettings.Lion.DEFAULT);
        assertThat(OptimizerChoice.SGD.settings(Map.of())).isEqualTo(OptimizerSettings.Sgd.DEFAULT);
        assertThat(OptimizerChoice.ADAFACTOR.settings(Map.of())).isEqualTo(OptimizerSettings.Adafactor.FIXED);
    }

    @Test
    void constantsHaveTheirNamesInPyTorch() {
        assertThat(OptimizerChoice.ADAMW.settings(Map.of("betas", "(0.8, 0.9)", "eps", "1e-6", "weight_decay", "0")))
                .isEqualTo(new OptimizerSettings.AdamW(0.8, 0.9, 1e-6, 0));
        assertThat(OptimizerChoice.ADAFACTOR.settings(Map.of("relative_step", "True", "warmup_init", "True")))
                .isEqualTo(new OptimizerSettings.Adafactor(1e-30, 1e-3, 1, -0.8, 0, 0, false, true, true));
        assertThat(OptimizerChoice.PRODIGY.settings(Map.of("d_coef", "2", "betas", "0.9,0.99")))
                .isEqualTo(new OptimizerSettings.Prodigy(
                        0.9, 0.99, Math.sqrt(0.99), 1e-8, 0, true, true, true, 1e-6, 2, Double.POSITIVE_INFINITY));
    }

    @Test
    void whatCannotBeReadIsNamed() {
        assertThatThrownBy(() -> OptimizerChoice.SGD.settings(Map.of("momentum", "much")))
                .hasMessageContaining("momentum")
                .hasMessageContaining("much");
        assertThatThrownBy(() -> OptimizerChoice.SGD.settings(Map.of("nesterov", "1")))
                .hasMessageContaining("true or false");
        assertThatThrownBy(() -> OptimizerChoice.LION.settings(Map.of("betas", "0.9")))
                .hasMessageContaining("several numbers");
        assertThatThrownBy(() -> OptimizerChoice.LION.settings(Map.of("eps", "1e-8", "momentum", "0")))
                .hasMessageContaining("lion has no ");
    }
}
