package dev.atelier.training.setting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.atelier.training.TrainingData;
import dev.atelier.training.TrainingMethod;
import dev.atelier.training.TrainingPlan;
import dev.atelier.training.TrainingPlan.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SettingsTest {
    private static final Settings LEAST = Settings.NONE.with("data", "pictures").with("output", "out.safetensors");
    private static final Settings WORD = LEAST.with("word", "sks").with("init", "dog");

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

    /** What {@code reference/kohya_defaults.py} has written. */
    @ParameterizedTest
    @EnumSource
    void whatKohyasScriptsTakeWhereNothingIsAskedForIsUnderstood(Kind kind) throws IOException {
        String name = "kohya-%s.toml".formatted(kind.name().toLowerCase(Locale.ROOT));
        Path file = folder.resolve(name);
        try (InputStream stored = Objects.requireNonNull(SettingsTest.class.getResourceAsStream(name), name)) {
            Files.copy(stored, file);
        }
        TrainingPlan plan = TrainingPlan.of(kind, (kind == Kind.TI ? WORD : LEAST).or(read(file, kind)));
        assertThat(plan.course().steps()).isEqualTo(1600);
        assertThat(plan.course().rate()).isEqualTo(2e-6);
    }

    private static Settings read(Path file, Kind kind) throws IOException {
        return SettingsFile.read(
                file, kind.sections().values().stream().flatMap(List::stream).toList());
    }

    @Test
    void whatThereIsNotHereIsRefusedIfItIsAskedFor() throws IOException {
        Path file = folder.resolve("lora.toml");
        Files.writeString(file, "color_aug = false\nfull_bf16 = true\n");
        assertThatThrownBy(() -> read(file, Kind.LORA)).hasMessageContaining("full_bf16");
    }

    @Test
    void aSwitchAndAnOptionThatSayTheSameMayStandTogether() throws IOException {
        Path file = folder.resolve("lora.toml");
        Files.writeString(file, """
                use_8bit_adam = true
                optimizer_type = "AdamW"
                network_args = ["dora_wd=True", "algo=locon"]
                use_ema = true
                ema = 0.99
                """);
        assertThat(read(file, Kind.LORA).values())
                .containsEntry("optimizer", List.of("adamw8bit"))
                .containsEntry("algorithm", List.of("dora"))
                .containsEntry("ema", List.of("0.99"));
        Files.writeString(file, "network_args = [\"algo=loha\", \"dora_wd=True\"]\n");
        assertThatThrownBy(() -> read(file, Kind.LORA)).hasMessageContaining("--algorithm is to be loha and dora");
        Files.writeString(file, "network_args = [\"dora_wd=True\", \"algo=lokr\"]\n");
        assertThatThrownBy(() -> read(file, Kind.LORA)).hasMessageContaining("--algorithm is to be dora and lokr");
    }

    @Test
    void optionsOfXlAndOfDiffusersThatAreSeveralThere() throws IOException {
        Path file = folder.resolve("more.toml");
        Files.writeString(file, """
                resolution = [512, 768]
                learning_rate = 1e-4
                learning_rate_te1 = 1e-5
                learning_rate_te2 = 0
                optimizer_type = "prodigy"
                prodigy_beta3 = 0.9
                timestep_bias_strategy = "later"
                timestep_bias_multiplier = 2
                metadata_author = "me"
                """);
        Settings read = read(file, Kind.LORA);
        assertThat(read.values())
                .containsEntry("resolution", List.of("512,768"))
                .containsEntry("text-lr", List.of("0.00001,0"))
                .containsEntry("min-timestep", List.of("750"))
                .containsEntry("bias-timesteps", List.of("2"))
                .containsEntry("optimizer-arg", List.of("beta3=0.9"));
        TrainingPlan plan = TrainingPlan.of(Kind.LORA, LEAST.or(read));
        assertThat(plan.output().about().author()).isEqualTo("me");
    }

    @Test
    void picturesMayLieInSeveralFolders() throws IOException {
        Path file = folder.resolve("dataset.toml");
        Files.writeString(file, """
                [general]
                shuffle_caption = true
                keep_tokens = 1

                [[datasets]]
                resolution = 256
                batch_size = 4

                  [[datasets.subsets]]
                  image_dir = "fox"
                  class_tokens = "sks fox"
                  num_repeats = 10

                  [[datasets.subsets]]
                  is_reg = true
                  image_dir = "foxes"
                  class_tokens = "fox"
                  keep_tokens = 2

                [[datasets]]
                resolution = [384, 512]
                batch_size = 4
                shuffle_caption = false

                  [[datasets.subsets]]
                  image_dir = "wolf"
                  flip_aug = true
                """);
        TrainingPlan plan = TrainingPlan.of(Kind.LORA, LEAST.with("data", file).with("prompt", "a wolf"));
        assertThat(plan.course().batch()).isEqualTo(4);
        assertThat(plan.sources())
                .extracting(
                        TrainingData::folder,
                        TrainingData::caption,
                        TrainingData::repeats,
                        TrainingData::resolution,
                        TrainingData::mirror,
                        source -> source.rule().shuffle())
                .containsExactly(
                        tuple(Path.of("fox"), "sks fox", 10, "256", false, true),
                        tuple(Path.of("wolf"), "a wolf", 1, "384,512", true, false));
        assertThat(plan.classSources()).singleElement().satisfies(source -> {
            assertThat(source.caption()).isEqualTo("fox");
            assertThat(source.rule().keepTokens()).isEqualTo(2);
        });
        Files.writeString(file, "[[datasets]]\nbatch = 2\n");
        assertThatThrownBy(() -> TrainingPlan.of(Kind.LORA, LEAST.with("data", file)))
                .hasMessageContaining("dataset.toml");
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
