package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.Precision;
import dev.atelier.model.DemoModel;
import dev.atelier.training.data.CaptionRule;
import dev.atelier.training.objective.HuberWidth;
import dev.atelier.training.objective.LossWeight;
import dev.atelier.training.objective.MaskRule;
import dev.atelier.training.objective.NoiseShape;
import dev.atelier.training.objective.TimestepChoice;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole fine-tunings of the model that comes with Atelier, a few steps long. */
class FineTuningTest {
    private static final TrainingPlan.Lora LORA = new TrainingPlan.Lora(2, 1, 0, false, true, 0.1);

    @TempDir
    private Path folder;

    private Checkpoint model;

    @BeforeEach
    void prepare() throws IOException {
        model = Checkpoints.open(DemoModel.unpack(folder));
        for (int i = 0; i < 3; i++) {
            Path file = folder.resolve("pictures/%d.png".formatted(i));
            Files.createDirectories(file.getParent());
            BufferedImage image = new BufferedImage(64 + 32 * i, 96, BufferedImage.TYPE_INT_RGB);
            Graphics2D graphics = image.createGraphics();
            graphics.setColor(new Color(40 * i, 120, 200));
            graphics.fillOval(10, 10, 40, 60);
            graphics.dispose();
            ImageIO.write(image, "png", file.toFile());
            Files.writeString(file.resolveSibling(i + ".txt"), "sks oval, number " + i);
        }
    }

    private TrainingPlan plan(TrainingPlan.Method method, String name, double ema, TrainingPlan.@Nullable Prior prior) {
        return new TrainingPlan(
                method,
                new TrainingPlan.Data(
                        folder.resolve("pictures"),
                        "",
                        64,
                        64,
                        true,
                        32,
                        128,
                        16,
                        true,
                        true,
                        2,
                        false,
                        new CaptionRule("", "", true, 1, 0, 0.1),
                        prior,
                        ema > 0 && prior == null ? folder.resolve("pictures") : null),
                new TrainingPlan.Objective(
                        null,
                        List.of(new LossWeight.MinSnr(5)),
                        NoiseShape.PLAIN,
                        TimestepChoice.Uniform.ALL,
                        TrainingPlan.Loss.L2,
                        new HuberWidth.Snr(0.1),
                        MaskRule.PLAIN,
                        1,
                        75),
                new TrainingPlan.Course(
                        5,
                        0,
                        2,
                        2,
                        1e-3,
                        5e-4,
                        new TrainingPlan.Schedule(TrainingPlan.Shape.COSINE, 1, 1, 1, 0, 0, ""),
                        OptimizerSettings.DEFAULT,
                        1,
                        ema > 0 ? new EmaSchedule.LitEma(ema) : null,
                        false,
                        Precision.FULL,
                        7),
                new TrainingPlan.Saving(
                        folder.resolve(name + ".safetensors"),
                        folder.resolve(name + ".state"),
                        DType.F16,
                        LoraNaming.KOHYA,
                        ema > 0,
                        name,
                        true,
                        2,
                        1,
                        List.of(),
                        0));
    }

    private static void stopAt(int step, Checkpoint model, TrainingPlan plan) {
        assertThatThrownBy(() -> FineTuning.run(model, plan, done -> {
                    if (done.step() == step) {
                        throw new CancellationException("enough");
                    }
                }))
                .isInstanceOf(CancellationException.class);
    }

    @Test
    void aLoraThatWasStoppedBecomesTheSame() throws IOException {
        FineTuning.run(model, plan(LORA, "straight", 0.9, null), step -> {});
        TrainingPlan stopped = plan(LORA, "stopped", 0.9, null);
        stopAt(2, model, stopped);
        stopAt(3, model, stopped);
        FineTuning.run(model, stopped, step -> {});
        Checkpoint one = Checkpoints.open(folder.resolve("straight.safetensors"));
        Checkpoint other = Checkpoints.open(folder.resolve("stopped.safetensors"));
        assertThat(bytes(other)).isEqualTo(bytes(one));
        assertThat(folder.resolve("stopped.state/model-loss.csv"))
                .hasSameTextualContentAs(folder.resolve("straight.state/model-loss.csv"));
        assertThat(folder.resolve("stopped.state/validation-loss.csv")).exists();
        assertThat(folder.resolve("straight-step00000002.safetensors")).exists();
    }

    private static List<Byte> bytes(Checkpoint file) {
        List<Byte> all = new ArrayList<>();
        file.tensors().forEach((name, tensor) -> {
            byte[] values = new byte[(int) tensor.byteSize()];
            tensor.read(0, MemorySegment.ofArray(values));
            for (byte value : values) {
                all.add(value);
            }
        });
        return all;
    }

    @Test
    void aLoraFileIsNamedAsKohyasAre() {
        FineTuning.run(model, plan(LORA, "lora", 0, null), step -> {});
        Checkpoint file = Checkpoints.open(folder.resolve("lora.safetensors"));
        String layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
        assertThat(file.tensor(layer + ".lora_down.weight").shape()).isEqualTo(Shape.of(2, 96));
        assertThat(file.tensor(layer + ".alpha").shape()).isEqualTo(Shape.of());
        assertThat(file.has("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"))
                .isTrue();
        assertThat(file.metadata())
                .containsEntry("ss_network_dim", "2")
                .containsEntry("ss_base_model_version", "sd_v1")
                .containsEntry("modelspec.architecture", "stable-diffusion-v1/lora")
                .containsEntry(
                        "ss_tag_frequency",
                        "{\"pictures\":{\"number 0\":1,\"number 1\":1,\"number 2\":1,\"sks oval\":3}}");
    }

    @Test
    void aStateOfOtherSettingsIsRefused() {
        TrainingPlan plan = plan(LORA, "lora", 0, null);
        stopAt(1, model, plan);
        TrainingPlan other = plan(new TrainingPlan.Lora(4, 1, 0, false, true, 0.1), "lora", 0, null);
        assertThatThrownBy(() -> FineTuning.run(model, other, step -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("rank=2")
                .hasMessageContaining("rank=4");
    }

    @Test
    void aWholeModelKeepsItsPriorAndHoldsItsAverages() throws IOException {
        TrainingPlan.Prior prior = new TrainingPlan.Prior("a red circle", folder.resolve("class"), 1, 1);
        FineTuning.run(model, plan(new TrainingPlan.Weights(true), "whole", 0.9, prior), step -> {});
        assertThat(folder.resolve("class")).isDirectoryContaining("glob:**.png");
        Checkpoint file = Checkpoints.open(folder.resolve("whole.safetensors"));
        assertThat(file.tensors().keySet()).containsAll(model.tensors().keySet());
        assertThat(file.has("model_ema.diffusion_modelout2weight")).isTrue();
        assertThat(file.has("model_ema.num_updates")).isTrue();
        assertThat(file.metadata())
                .containsEntry("atelier.norm_num_groups", model.metadata().get("atelier.norm_num_groups"));
    }

    @Test
    void aWordBecomesAFileOfItsVectors() {
        FineTuning.run(model, plan(new TrainingPlan.Word("sks", "circle", 2, true), "word", 0, null), step -> {});
        Checkpoint file = Checkpoints.open(folder.resolve("word.safetensors"));
        assertThat(file.tensor("emb_params").shape().size(0)).isEqualTo(2);
        assertThat(file.metadata()).containsEntry("modelspec.architecture", "stable-diffusion-v1/textual-inversion");
    }
}
