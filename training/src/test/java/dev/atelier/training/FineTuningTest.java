package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.DemoModel;
import dev.atelier.training.TrainingPlan.Kind;
import dev.atelier.training.setting.Settings;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole fine-tunings of the model that comes with Atelier, a few steps long. */
class FineTuningTest {
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

    private Settings settings(String name) {
        return Settings.NONE
                .with("data", folder.resolve("pictures"))
                .with("resolution", 64)
                .with("bucket-step", 16)
                .with("flip", true)
                .with("crops", 2)
                .with("shuffle-captions", true)
                .with("keep-tokens", 1)
                .with("caption-dropout", 0.1)
                .with("snr-gamma", 5)
                .with("steps", 5)
                .with("batch", 2)
                .with("accumulate", 2)
                .with("lr", 1e-3)
                .with("text-lr", 5e-4)
                .with("schedule", "cosine")
                .with("warmup", 1)
                .with("seed", 7)
                .with("output", folder.resolve(name + ".safetensors"))
                .with("state", folder.resolve(name + ".state"))
                .with("save-every", 2)
                .with("save-state-every", 1);
    }

    private Settings lora(String name) {
        return settings(name)
                .with("rank", 2)
                .with("alpha", 1)
                .with("lora-dropout", 0.1)
                .with("ema", 0.9)
                .with("validation", folder.resolve("pictures"));
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
        FineTuning.run(model, TrainingPlan.of(Kind.LORA, lora("straight")), step -> {});
        TrainingPlan stopped = TrainingPlan.of(Kind.LORA, lora("stopped"));
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
        FineTuning.run(model, TrainingPlan.of(Kind.LORA, lora("lora")), step -> {});
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
        TrainingPlan plan = TrainingPlan.of(Kind.LORA, lora("lora"));
        stopAt(1, model, plan);
        TrainingPlan other = TrainingPlan.of(Kind.LORA, lora("lora").with("rank", 4));
        assertThatThrownBy(() -> FineTuning.run(model, other, step -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("rank=2")
                .hasMessageContaining("rank=4");
    }

    @Test
    void aWholeModelKeepsItsPriorAndHoldsItsAverages() throws IOException {
        Settings settings = settings("whole")
                .with("text-encoder", true)
                .with("class-prompt", "a red circle")
                .with("class-data", folder.resolve("class"))
                .with("class-images", 1)
                .with("ema", 0.9)
                .with("keep-ema", true);
        FineTuning.run(model, TrainingPlan.of(Kind.DREAMBOOTH, settings), step -> {});
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
        Settings settings = settings("word")
                .with("word", "sks")
                .with("init", "circle")
                .with("vectors", 2)
                .with("keep-norm", true)
                .with("template", "object");
        FineTuning.run(model, TrainingPlan.of(Kind.TI, settings), step -> {});
        Checkpoint file = Checkpoints.open(folder.resolve("word.safetensors"));
        assertThat(file.tensor("emb_params").shape().size(0)).isEqualTo(2);
        assertThat(file.metadata()).containsEntry("modelspec.architecture", "stable-diffusion-v1/textual-inversion");
        Settings on = settings("on")
                .with("word", "sks")
                .with("from", folder.resolve("word.safetensors"))
                .with("dtype", "fp32")
                .with("steps", 1)
                .with("text-lr", 0)
                .with("lr", 1e-12);
        Checkpoint second = trained(Kind.TI, "on", on.with("vectors", 2));
        assertThat(values(second.tensor("emb_params")))
                .usingComparatorWithPrecision(1e-6f)
                .containsExactly(values(file.tensor("emb_params")));
        assertThatThrownBy(() -> trained(Kind.TI, "on", on))
                .hasMessageContaining("has 2 vectors of [24] numbers, and 1 of");
    }

    private Checkpoint trained(Kind kind, String name, Settings settings) {
        FineTuning.run(model, TrainingPlan.of(kind, settings), step -> {});
        return Checkpoints.open(folder.resolve(name + ".safetensors"));
    }

    @Test
    void blocksLearnAtTheirOwnSpeedAndTheTextEncoderMayStop() {
        Settings settings = settings("blocks")
                .with("text-encoder", true)
                .with("text-stop", 0)
                .with("dtype", "fp32");
        int inputs = BlockValues.of("", "", model).inputs();
        String rates = "1,".repeat(inputs) + "0" + ",0".repeat(inputs);
        Checkpoint file = trained(Kind.FINETUNE, "blocks", settings.with("block-lr", rates));
        assertThat(changed(file))
                .anyMatch(name -> name.contains(".input_blocks."))
                .anyMatch(name -> name.contains(".time_embed."))
                .noneMatch(name -> name.contains(".middle_block.") || name.contains(".output_blocks."))
                .noneMatch(name -> name.startsWith("cond_stage_model."));
        assertThatThrownBy(() -> trained(Kind.FINETUNE, "blocks", settings.with("block-lr", "1,2")))
                .hasMessageContaining("--block-lr");
    }

    private List<String> changed(Checkpoint file) {
        return file.tensors().keySet().stream()
                .filter(name -> file.tensor(name).dtype().isFloating())
                .filter(name -> !Arrays.equals(values(file.tensor(name)), values(model.tensor(name))))
                .toList();
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        tensor.to(DType.F32).read(0, MemorySegment.ofArray(values));
        return values;
    }

    @Test
    void aLoraKeepsItsNormAndAnotherGoesOnFromIt() throws IOException {
        Settings settings = lora("short")
                .with("limit-norm", 0.001)
                .with("lora-plus", 16)
                .with("text-only", true)
                .with("save-every", 1)
                .with("save-last", 2)
                .with("dtype", "fp32")
                .with("ema", 0);
        Checkpoint file = trained(Kind.LORA, "short", settings);
        assertThat(file.tensors().keySet()).noneMatch(name -> name.startsWith("lora_unet"));
        String layer = "lora_te_text_model_encoder_layers_0_mlp_fc1";
        float[] down = values(file.tensor(layer + ".lora_down.weight"));
        float[] up = values(file.tensor(layer + ".lora_up.weight"));
        assertThat(norm(down, up, 2) / 2).isBetween(0.0009, 0.00101); // alpha / rank is a half
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(path -> path.getFileName().toString()).filter(name -> name.startsWith("short-step")))
                    .containsExactlyInAnyOrder("short-step00000003.safetensors", "short-step00000004.safetensors");
        }
        Settings second = settings("on")
                .with("from", folder.resolve("short.safetensors"))
                .with("text-only", true)
                .with("rank", 8)
                .with("lr", 1e-12)
                .with("text-lr", 1e-12)
                .with("dtype", "fp32");
        Checkpoint on = trained(Kind.LORA, "on", second);
        assertThat(values(on.tensor(layer + ".lora_up.weight")))
                .usingComparatorWithPrecision(1e-6f)
                .containsExactly(up);
        assertThat(values(on.tensor(layer + ".alpha"))).containsExactly(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"loha", "lokr"})
    void lycorisFormsGoOnFromTheirFiles(String algorithm) throws IOException {
        Settings form = Settings.NONE
                .with("algorithm", algorithm)
                .with("text-only", true)
                .with("rank-dropout", 0.3)
                .with("module-dropout", 0.1)
                .with("steps", 2)
                .with("batch", 1)
                .with("accumulate", 1)
                .with("factor", 4)
                .with("dtype", "fp32");
        Checkpoint first = trained(Kind.LORA, "first", form.or(settings("first").with("alpha", 3)));
        Settings on = form.or(settings("second"))
                .with("from", folder.resolve("first.safetensors"))
                .with("rank", 7)
                .with("text-lr", 1e-12)
                .with("lr", 1e-12);
        Checkpoint second = trained(Kind.LORA, "second", on);
        assertThat(second.tensors().keySet())
                .containsExactlyInAnyOrderElementsOf(first.tensors().keySet());
        first.tensors()
                .forEach((name, tensor) -> assertThat(values(second.tensor(name)))
                        .as(name)
                        .usingComparatorWithPrecision(1e-6f)
                        .containsExactly(values(tensor)));
        assertThatThrownBy(() -> trained(Kind.LORA, "second", on.with("algorithm", "lora")))
                .hasMessageContaining("has no lora of a layer that is to be trained");
    }

    /** ‖up · down‖, of matrices with so many ranks. */
    private static double norm(float[] down, float[] up, int rank) {
        int in = down.length / rank;
        double sum = 0;
        for (int row = 0; row < up.length / rank; row++) {
            for (int column = 0; column < in; column++) {
                double product = 0;
                for (int r = 0; r < rank; r++) {
                    product += up[row * rank + r] * (double) down[r * in + column];
                }
                sum += product * product;
            }
        }
        return Math.sqrt(sum);
    }

    @Test
    void aShareOfThePicturesIsMeasuredOn() throws IOException {
        Settings settings = settings("split")
                .with("unet-only", true)
                .with("validation-split", 0.34)
                .with("sample-every-epochs", 1)
                .with(
                        "block-ranks",
                        "4" + ",4".repeat(2 * BlockValues.of("", "", model).inputs()))
                .with("repeats", 2);
        List<String> lines = new ArrayList<>();
        FineTuning.run(model, TrainingPlan.of(Kind.LORA, settings), new TrainingListener() {
            @Override
            public void step(TrainingStep step) {}

            @Override
            public void planned(String line) {
                lines.add(line);
            }
        });
        assertThat(lines).anyMatch(line -> line.startsWith("2 pictures, 4 with repeats"));
        assertThat(lines).contains("1 pictures to measure on");
        assertThat(Files.readAllLines(folder.resolve("split.state/validation-loss.csv")))
                .hasSizeGreaterThan(3);
    }

    @Test
    void pureNoiseIsForModelsThatAnswerWithV() {
        Settings settings = settings("zero").with("zero-snr", true);
        assertThatThrownBy(() -> FineTuning.run(model, TrainingPlan.of(Kind.FINETUNE, settings), step -> {}))
                .hasMessageContaining("--prediction v");
        Checkpoint file = trained(Kind.FINETUNE, "zero", settings.with("prediction", "v"));
        assertThat(file.metadata())
                .containsEntry("atelier.zero_terminal_snr", "true")
                .containsEntry("modelspec.prediction_type", "v");
    }
}
