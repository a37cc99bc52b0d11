package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.LoraLayer;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.engine.torch.Adapter;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.ElementLoss;
import dev.atelier.engine.torch.LoraDropout;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.Precision;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.engine.torch.TrainerOptions;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.SizeConditioning;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.objective.NoiseShape;
import dev.atelier.training.setting.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Fine-tuning held to diffusers' scripts, peft and PyTorch; see the README of the resources. */
class FineTuningParityTest {
    private static final int STEPS = 10;
    private static final double RATE = 1e-3;
    private static final double FAMILY_RATE = 1e-4;
    private static final Pattern ATTENTION = Pattern.compile(
            ".*attentions\\.\\d+\\.transformer_blocks\\.\\d+\\.attn[12]\\.to_(q|k|v|out\\.0)|.*self_attn\\.(q|k|v|out)_proj");

    /** The layers of {@code make_finetuning_reference.py}'s other forms. */
    private static final List<String> FORM_LAYERS = List.of(
            "attentions_0_transformer_blocks_0_attn1_to_q",
            "attentions_0_transformer_blocks_0_attn2_to_k",
            "attentions_0_transformer_blocks_0_ff_net_0_proj",
            "attentions_0_proj_in",
            "resnets_0_conv1",
            "downsamplers_0_conv");

    @TempDir
    private Path folder;

    private Reference recorded(String name) throws IOException {
        Path file = folder.resolve(name);
        try (InputStream stored = Objects.requireNonNull(FineTuningParityTest.class.getResourceAsStream(name), name)) {
            Files.copy(stored, file);
        }
        return new Reference(Checkpoints.open(file));
    }

    private static FloatArray at(Reference reference, String name, int step) {
        FloatArray all = reference.array(name);
        return FloatArray.of(
                all.rows(step, step + 1).values(),
                Arrays.stream(all.shape()).skip(1).toArray());
    }

    private static int[] timesteps(Reference reference, int step) {
        float[] values = reference.array("timesteps").rows(step, step + 1).values();
        return IntStream.range(0, values.length).map(i -> (int) values[i]).toArray();
    }

    private static DenoisingBatch batch(
            Denoising.Question question, DenoisingBatch.Text text, int[] captions, float[] weights) {
        return new DenoisingBatch(
                question.noisy(),
                question.timesteps(),
                text,
                captions,
                null,
                new ElementLoss.Squared(),
                question.target(),
                weights,
                null,
                0);
    }

    private static Denoising.Question row(Denoising.Question question, int row) {
        return new Denoising.Question(
                question.noisy().rows(row, row + 1),
                new float[] {question.timesteps()[row]},
                question.target().rows(row, row + 1),
                new float[] {1});
    }

    @Test
    void tenStepsOfALoraWithPriorPreservationGiveTheFactorsOfPeft() throws IOException {
        Reference reference = recorded("lora-steps.safetensors");
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        List<Adapter> adapters = new ArrayList<>();
        for (LoraLayer layer : LoraLayer.of(model.checkpoint())) {
            if (ATTENTION.matcher(layer.diffusers()).matches()) {
                String name = (layer.network().equals("unet") ? "lora_unet_" : "lora_te_")
                        + layer.diffusers().replace('.', '_');
                Tensor down = reference.file().tensor("start." + name + ".lora_down.weight");
                long out = layer.shape(model.checkpoint()).size(0);
                adapters.add(Adapter.lora(name, layer.tensor(), layer.third(), down, LoraModules.zeros(out, 4), 1));
            }
        }
        assertThat(adapters).hasSize(128 + 48);
        Denoising objective = new Denoising(model.alphasCumprod(), 0);
        int[][] tokens = reference.tokens("input_ids");
        double prior = 0.7;
        Parity parity = new Parity("LoRA, prior preservation", reference);
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET, Network.TEXT_ENCODER),
                Trainable.adapters(adapters),
                OptimizerSettings.DEFAULT,
                new TrainerOptions(true, false))) {
            for (int step = 0; step < STEPS; step++) {
                FloatArray noise = at(reference, "noise", step);
                Denoising.Question both = objective.ask(
                        at(reference, "latents", step), new NoiseShape.Noise(noise, noise), timesteps(reference, step));
                double loss = 0;
                for (int row = 0; row < 2; row++) {
                    float weight = (float) (row == 0 ? 1 : prior);
                    DenoisingBatch.Text caption = new DenoisingBatch.Captions(new int[][] {tokens[row]}, 1);
                    float[] errors =
                            trainer.denoise(batch(row(both, row), caption, new int[] {0}, new float[] {weight}));
                    loss += weight * errors[0];
                }
                float due = reference.array("losses").values()[step];
                assertThat(loss).as("step %d", step).isCloseTo(due, within(1e-4 * due));
                double norm = trainer.update(RATE, 1, 0);
                float dueNorm = reference.array("gradient_norms").values()[step];
                assertThat(norm).as("step %d", step).isCloseTo(dueNorm, within(2e-4 * dueNorm));
            }
            // A change of the keys' projection that adds the same to all scores is taken out by softmax.
            parity.weights("end.", trainer.values(), name -> !name.contains("k_proj"));
        }
    }

    @ParameterizedTest
    @EnumSource(names = "LORA", mode = EnumSource.Mode.EXCLUDE)
    void threeStepsOfOtherFormsGiveThePartsOfPeftAndLycoris(Adapter.Form form) throws IOException {
        Reference reference = recorded("adapter-steps.safetensors");
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        String kind = form.name().toLowerCase(Locale.ROOT);
        Settings settings = Settings.NONE
                .with("algorithm", kind)
                .with("rank", 2)
                .with("alpha", 3)
                .with("conv-rank", 2);
        List<Adapter> all =
                new LoraModules(model, settings.read(TrainingMethod.Lora.class), new Randomness(1)).adapters();
        List<Adapter> adapters = new ArrayList<>();
        for (int i = 0; i < FORM_LAYERS.size(); i++) {
            String name = "lora_unet_down_blocks_0_" + FORM_LAYERS.get(i);
            Adapter fresh = all.stream()
                    .filter(adapter -> adapter.name().equals(name))
                    .findFirst()
                    .orElseThrow();
            SequencedMap<String, Tensor> parts = new LinkedHashMap<>();
            for (String part : fresh.parts().keySet()) {
                Tensor own = fresh.parts().get(part);
                if (part.equals("dora_scale")) {
                    float[] due = reference
                            .array("start.dora.%d.%s".formatted(i, part))
                            .values();
                    assertThat(tail(own, due.length))
                            .usingComparatorWithPrecision(1e-5f)
                            .containsExactly(due);
                    parts.put(part, own);
                } else {
                    parts.put(part, waves(own.shape(), i, parts.size()));
                }
            }
            adapters.add(new Adapter(Integer.toString(i), fresh.weight(), fresh.third(), form, parts, fresh.scale()));
        }
        Denoising objective = new Denoising(model.alphasCumprod(), 0);
        FloatArray noise = reference.array("noise");
        float[] timesteps = reference.array("timesteps").values();
        Denoising.Question question =
                objective.ask(reference.array("latents"), new NoiseShape.Noise(noise, noise), new int[] {
                    (int) timesteps[0], (int) timesteps[1]
                });
        DenoisingBatch batch = batch(
                question, new DenoisingBatch.Encoded(reference.array("context"), null), new int[] {0, 1}, new float[] {
                    1, 1
                });
        Parity parity = new Parity(kind, reference);
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET),
                Trainable.adapters(adapters),
                OptimizerSettings.DEFAULT,
                new TrainerOptions(true, false))) {
            for (int step = 0; step < 3; step++) {
                float[] errors = trainer.denoise(batch);
                float due = reference.array(kind + ".losses").values()[step];
                assertThat((errors[0] + errors[1]) / 2).as("step %d", step).isCloseTo(due, within(1e-4f * due));
                if (step == 0) {
                    parity.gradients("gradient." + kind + ".", trainer.gradients());
                }
                trainer.update(RATE, Double.POSITIVE_INFINITY, 0);
            }
            parity.weights("end." + kind + ".", trainer.values(), _ -> true);
            if (form != Adapter.Form.DORA) {
                trainer.limitAdapters(0.003);
                parity.shrunk("limited." + kind + ".", trainer.values());
            }
        }
    }

    private static Tensor waves(Shape shape, int layer, int part) {
        float[] values = new float[(int) shape.elements()];
        for (int k = 0; k < values.length; k++) {
            values[k] = (float) (0.1 * Math.sin(k + 1 + 7 * layer + 3 * part));
        }
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(values));
    }

    @Test
    void tenStepsOfTextualInversionGiveTheVectorsOfDiffusers() throws IOException {
        Reference reference = recorded("word-steps.safetensors");
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        Denoising objective = new Denoising(model.alphasCumprod(), 0);
        DenoisingBatch.Text text = new DenoisingBatch.Captions(reference.tokens("input_ids"), 1);
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET, Network.TEXT_ENCODER),
                Trainable.words(List.of(reference.file().tensor("start"))),
                OptimizerSettings.DEFAULT,
                new TrainerOptions(false, false))) {
            for (int step = 0; step < STEPS; step++) {
                FloatArray noise = at(reference, "noise", step);
                Denoising.Question question = objective.ask(
                        at(reference, "latents", step), new NoiseShape.Noise(noise, noise), timesteps(reference, step));
                float[] errors = trainer.denoise(batch(question, text, new int[] {0, 1}, new float[] {1, 1}));
                float due = reference.array("losses").values()[step];
                assertThat((errors[0] + errors[1]) / 2).as("step %d", step).isCloseTo(due, within(1e-4f * due));
                trainer.update(RATE, Double.POSITIVE_INFINITY, 0);
            }
            float[] expected = reference.array("end").values();
            float[] actual = tail(trainer.values().tensor(Trainable.wordsName(0)), expected.length);
            new Parity("textual inversion", reference)
                    .measured("vectors after ten steps, absolute", Parity.greatest(actual, expected));
        }
    }

    @ParameterizedTest
    @CsvSource({"sd2, V, false", "sdxl, EPSILON, true"})
    void tenStepsOfOtherFamiliesGiveTheWeightsOfDiffusers(
            String family, PredictionType prediction, boolean checkpointing) throws IOException {
        Reference reference = recorded(family + "-steps.safetensors");
        Parity parity = new Parity(family + " " + prediction, reference);
        StableDiffusion model = StableDiffusion.of(
                Reference.open(family + ".safetensors", folder).file());
        Denoising objective = new Denoising(model.alphasCumprod(), prediction, List.of());
        boolean xl = model.family().isXl();
        DenoisingBatch.Text text =
                new DenoisingBatch.Encoded(reference.array("context"), xl ? reference.array("pooled") : null);
        try (TorchTrainer trainer = TorchTrainer.of(
                model,
                EnumSet.of(Network.UNET),
                Trainable.weights(name -> Component.of(name) == Component.UNET),
                OptimizerSettings.DEFAULT,
                new TrainerOptions(checkpointing, false))) {
            double lossError = 0;
            double normError = 0;
            for (int step = 0; step < STEPS; step++) {
                FloatArray noise = at(reference, "noise", step);
                Denoising.Question question = objective.ask(
                        at(reference, "latents", step), new NoiseShape.Noise(noise, noise), timesteps(reference, step));
                float[] errors = trainer.denoise(new DenoisingBatch(
                        question.noisy(),
                        question.timesteps(),
                        text,
                        new int[] {0, 1},
                        xl ? sizes(model, reference.array("time_ids")) : null,
                        new ElementLoss.Squared(),
                        question.target(),
                        new float[] {1, 1},
                        null,
                        0));
                float[] due = reference.array("errors").rows(step, step + 1).values();
                lossError = Math.max(lossError, Parity.greatest(errors, due));
                if (step == 0) {
                    parity.gradients("gradient.", trainer.gradients());
                }
                double norm = trainer.update(FAMILY_RATE, 1, 0);
                double dueNorm = reference.array("gradient_norms").values()[step];
                normError = Math.max(normError, Math.abs(norm - dueNorm) / dueNorm);
            }
            parity.measured("losses of ten steps, absolute", lossError);
            parity.measured("gradient norms of ten steps, relative", normError);
            parity.weights("weight.", trainer.values(), name -> true);
            reference.file().tensors().keySet().stream()
                    .filter(name -> name.startsWith("change."))
                    .map(name -> name.substring("change.".length()))
                    .forEach(name -> assertThat(distance(
                                    trainer.values().tensor(name),
                                    model.checkpoint().tensor(name)))
                            .as(name)
                            .isCloseTo(reference.array("change." + name).values()[0], within(1e-4)));
        }
    }

    private static double distance(Tensor a, Tensor b) {
        float[] one = tail(a, (int) a.shape().elements());
        float[] other = tail(b, one.length);
        return Math.sqrt(IntStream.range(0, one.length)
                .mapToDouble(i -> Math.pow((double) one[i] - other[i], 2))
                .sum());
    }

    private static FloatArray sizes(StableDiffusion model, FloatArray ids) {
        List<float[]> rows = IntStream.range(0, ids.size(0))
                .mapToObj(row -> {
                    float[] id = ids.rows(row, row + 1).values();
                    return new SizeConditioning(
                                    (int) id[1], (int) id[0], (int) id[3], (int) id[2], (int) id[5], (int) id[4])
                            .vector(FloatArray.of(new float[0], 1, 0), model.family(), 0)
                            .values();
                })
                .toList();
        int width = rows.getFirst().length;
        float[] all = new float[rows.size() * width];
        for (int row = 0; row < rows.size(); row++) {
            System.arraycopy(rows.get(row), 0, all, row * width, width);
        }
        return FloatArray.of(all, rows.size(), width);
    }

    private static float[] tail(Tensor tensor, int count) {
        float[] values = new float[count];
        tensor.read(tensor.shape().elements() - count, values, count);
        return values;
    }

    @ParameterizedTest
    @CsvSource({"sd2, layers_23_", "sdxl, te1_text_model_encoder_layers_11_"})
    void aLayerThatNobodyReadsHasNoLora(String family, String unread) throws IOException {
        StableDiffusion model = StableDiffusion.of(
                Reference.open(family + ".safetensors", folder).file());
        List<Adapter> adapters =
                new LoraModules(model, Settings.NONE.read(TrainingMethod.Lora.class), new Randomness(1)).adapters();
        assertThat(adapters)
                .extracting(Adapter::name)
                .anyMatch(name -> name.contains("_mlp_fc1"))
                .noneMatch(name -> name.contains(unread));
        TorchTrainer.of(
                        model,
                        EnumSet.of(Network.UNET, Network.TEXT_ENCODER, Network.TEXT_ENCODER_2),
                        Trainable.adapters(adapters),
                        OptimizerSettings.DEFAULT,
                        TrainerOptions.DEFAULT)
                .close();
    }

    @Test
    void whatALoraDropsFollowsFromTheSeed() throws IOException {
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        TrainingMethod.Lora plan =
                Settings.NONE.with("rank", 4).with("conv-rank", 2).read(TrainingMethod.Lora.class);
        List<float[]> gradients = new ArrayList<>();
        for (boolean checkpointing : new boolean[] {false, true}) {
            LoraModules loras = new LoraModules(model, plan, new Randomness(1));
            assertThat(loras.adapters()).hasSize(192 + 86 + 72);
            try (TorchTrainer trainer = TorchTrainer.of(
                    model,
                    EnumSet.of(Network.UNET, Network.TEXT_ENCODER),
                    Trainable.adapters(loras.adapters()),
                    OptimizerSettings.DEFAULT,
                    new TrainerOptions(checkpointing, false, new LoraDropout(0.5, 0.2, 0.1), Precision.FULL, null))) {
                FloatArray noise = Randomness.normal(new Randomness(2).at("noise", 0), 1, 4, 8, 8);
                Denoising.Question question = new Denoising(model.alphasCumprod(), 0)
                        .ask(noise, new NoiseShape.Noise(noise, noise), new int[] {500});
                DenoisingBatch.Text text =
                        new DenoisingBatch.Captions(new int[][] {new CaptionTokens().of("a circle")}, 1);
                trainer.denoise(batch(question, text, new int[] {0}, new float[] {1}));
                String name = loras.adapters().getFirst().upName();
                Tensor gradient = trainer.gradients().tensor(name);
                gradients.add(tail(gradient, (int) gradient.shape().elements()));
            }
        }
        assertThat(gradients.get(1)).usingComparatorWithPrecision(1e-6f).containsExactly(gradients.get(0));
        assertThat(gradients.get(0)).isNotEqualTo(new float[gradients.get(0).length]);
    }
}
