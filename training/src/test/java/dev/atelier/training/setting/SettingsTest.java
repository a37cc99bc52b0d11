package dev.atelier.training.setting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.training.TrainingMethod;
import dev.atelier.training.TrainingPlan;
import dev.atelier.training.TrainingPlan.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SettingsTest {
    private static final Settings LEAST = Settings.NONE.with("data", "pictures").with("output", "out.safetensors");

    @TempDir
    private Path folder;

    @Test
    void whatIsNotGivenIsAsUsual() {
        TrainingPlan plan = TrainingPlan.of(Kind.LORA, LEAST);
        assertThat(plan.course().steps()).isEqualTo(1000);
        assertThat(plan.course().rate()).isEqualTo(1e-4);
        assertThat(plan.method())
                .isInstanceOfSatisfying(
                        TrainingMethod.Lora.class,
                        lora -> assertThat(lora.rank()).isEqualTo(16));
        assertThat(TrainingPlan.of(Kind.DREAMBOOTH, LEAST.with("epochs", 3))
                        .course()
                        .steps())
                .isZero();
    }

    @Test
    void whatCannotBeIsNamed() {
        assertThatThrownBy(() -> TrainingPlan.of(Kind.LORA, Settings.NONE)).hasMessageContaining("--data is missing");
        assertThatThrownBy(() -> TrainingPlan.of(Kind.LORA, LEAST.with("batch", "two")))
                .hasMessage("--batch is a whole number, not \"two\"");
        assertThatThrownBy(() -> TrainingPlan.of(Kind.LORA, LEAST.with("loss", "l3")))
                .hasMessage("--loss is one of l2, l1, huber, smooth_l1, not \"l3\"");
        assertThatThrownBy(() -> TrainingPlan.of(Kind.LORA, LEAST.with("word", "sks")))
                .hasMessageContaining("no option --word");
        assertThatThrownBy(() -> TrainingPlan.of(Kind.TI, LEAST)).hasMessageContaining("--word");
    }

    @Test
    void aFileMayBeKohyas() throws IOException {
        Path file = folder.resolve("lora.toml");
        Files.writeString(file, """
                output_dir = "models"
                output_name = "style"
                network_args = ["conv_dim=4", "loraplus_lr_ratio=16", "down_lr_weight=0,1", "up_lr_weight=1,0.5"]
                v_parameterization = true
                mixed_precision = "no"
                xformers = true
                adam_beta2 = 0.99
                """);
        List<SettingOption> known =
                Kind.LORA.sections().values().stream().flatMap(List::stream).toList();
        Settings read = SettingsFile.read(file, known);
        assertThat(read.values())
                .containsEntry(
                        "output", List.of(Path.of("models", "style.safetensors").toString()))
                .containsEntry("conv-rank", List.of("4"))
                .containsEntry("lora-plus", List.of("16"))
                .containsEntry("block-lr", List.of("0,1,1,1,0.5"))
                .containsEntry("prediction", List.of("v"))
                .containsEntry("mixed-precision", List.of("full"))
                .containsEntry("optimizer-arg", List.of("betas=0.9,0.99"));
    }

    @ParameterizedTest
    @EnumSource
    void noNameMeansTwoOptions(Kind kind) {
        Map<String, String> all = new HashMap<>();
        kind.sections().values().stream()
                .flatMap(List::stream)
                .map(SettingOption::setting)
                .forEach(setting -> {
                    assertThat(all.put(setting.value(), setting.value())).isNull();
                    for (String other : setting.also()) {
                        String name = other.replaceFirst("=.*", "");
                        assertThat(all.put(name, setting.value())).as(name).isIn(null, setting.value());
                    }
                });
    }
}
