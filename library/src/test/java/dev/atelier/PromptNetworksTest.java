package dev.atelier;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.PngFile;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.merge.lora.Lora;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Embeddings and LoRAs that prompts name, with the miniature model. */
class PromptNetworksTest {
    private static final String TEXT_LAYER = "lora_te_text_model_encoder_layers_0_mlp_fc1";
    private static final String UNET_LAYER = "lora_unet_mid_block_attentions_0_proj_in";

    @TempDir
    static Path folder;

    private static Path miniature;
    private static Path style;
    private static Path embedding;

    @BeforeAll
    static void write() throws IOException {
        miniature = Miniature.unpack(folder);
        Checkpoint model = Checkpoints.open(miniature);
        Shape text = shape(model, "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight");
        Shape unet = shape(model, "model.diffusion_model.middle_block.1.proj_in.weight");
        style = write(
                "Lora/style.safetensors",
                Map.of(
                        TEXT_LAYER + ".lora_up.weight", noise(1, text.size(0), 2),
                        TEXT_LAYER + ".lora_down.weight", noise(2, 2, text.size(1)),
                        UNET_LAYER + ".lora_up.weight", noise(3, unet.size(0), 2),
                        UNET_LAYER + ".lora_down.weight", noise(4, 2, unet.size(1))),
                Map.of("ss_output_name", "wax"));
        long width = shape(model, "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight")
                .size(1);
        embedding = write("embeddings/EasyNegative.safetensors", Map.of("emb_params", noise(5, 4, width)), Map.of());
        write("embeddings/wide.safetensors", Map.of("emb_params", noise(6, 1, 768)), Map.of());
        Files.writeString(folder.resolve("embeddings/broken.pt"), "no pickle");
        Files.writeString(folder.resolve("Lora/broken.safetensors"), "no tensors");
    }

    private static Shape shape(Checkpoint model, String tensor) {
        return model.tensor(tensor).shape();
    }

    private static Path write(String name, Map<String, Tensor> tensors, Map<String, String> metadata)
            throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Checkpoint.of(List.of(), tensors, metadata).writeTo(file, Progress.NONE);
        return file;
    }

    private static Tensor noise(int seed, long... sizes) {
        Shape shape = Shape.of(sizes);
        Random random = new Random(seed);
        float[] values = new float[(int) shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() / 2;
        }
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(values));
    }

    private static Atelier open(Engine engine) {
        return Atelier.open(miniature, ModelOptions.DEFAULT.engine(engine).models(List.of(folder)), Progress.NONE);
    }

    private final List<String> notes = new ArrayList<>();

    private GeneratedImage draw(Atelier atelier, String prompt, String negativePrompt) {
        GenerationRequest request = GenerationRequest.of(prompt)
                .negativePrompt(negativePrompt)
                .size(64, 64)
                .steps(2)
                .seed(1);
        notes.clear();
        return atelier.generate(request, new GenerationListener() {
                    @Override
                    public void progress(Phase phase, int done, int total) {}

                    @Override
                    public void note(String text) {
                        notes.add(text);
                    }
                })
                .getFirst();
    }

    private GeneratedImage draw(Atelier atelier, String prompt) {
        return draw(atelier, prompt, "");
    }

    private static byte[] pixels(GeneratedImage image) throws IOException {
        return PngFile.encode(new GeneratedImage(image.pixels(), 0, ""));
    }

    @ParameterizedTest
    @EnumSource
    void aLoraInThePromptGivesThePictureOfTheModelWithIt(Engine engine) throws IOException {
        Checkpoint baked = Lora.open(style).bake(Checkpoints.open(miniature), 0.25, 0.75);
        byte[] expected;
        byte[] plain;
        try (Atelier atelier = Atelier.open(baked, new ModelLabel("baked", null), engine, Progress.NONE)) {
            expected = pixels(draw(atelier, "a cat "));
        }
        try (Atelier atelier = open(engine)) {
            plain = pixels(draw(atelier, "a cat "));
            GeneratedImage withLora = draw(atelier, "a cat <lora:style:0.75:0.25>");
            assertThat(pixels(withLora)).isEqualTo(expected).isNotEqualTo(plain);
            String hash = FileHashes.of(style, Progress.NONE).autoV3().orElseThrow();
            assertThat(withLora.infotext())
                    .startsWith("a cat <lora:style:0.75:0.25>")
                    .contains("Lora hashes: \"style: %s\"".formatted(hash));
            assertThat(pixels(draw(atelier, "a cat <lyco:wax:unet=0.25:te=0.75>")))
                    .isEqualTo(expected);
            assertThat(notes).isEmpty();
            assertThat(pixels(draw(atelier, "a cat "))).isEqualTo(plain);
        }
    }

    @Test
    void aLoraThatIsNotThereIsToldAndThePictureDrawnWithoutIt() throws IOException {
        try (Atelier atelier = open(Engine.ONNX)) {
            byte[] plain = pixels(draw(atelier, "a cat "));
            GeneratedImage drawn = draw(atelier, "a cat <lora:nowhere:1><lora:broken:1>");
            assertThat(pixels(drawn)).isEqualTo(plain);
            assertThat(notes).hasSize(2).first().asString().contains("no LoRA \"nowhere\"");
            assertThat(notes.getLast()).contains("\"broken\"");
            assertThat(drawn.infotext()).doesNotContain("hashes");
            assertThat(pixels(draw(atelier, "a cat <lora:style:much>"))).isEqualTo(plain);
            assertThat(notes).first().asString().contains("\"style\" is no number");
        }
    }

    @Test
    void anEmbeddingIsReadByItsNameAndWhatCannotBeReadIsTold() throws IOException {
        try (Atelier atelier = open(Engine.ONNX)) {
            byte[] plain = pixels(draw(atelier, "a cat", "blurry"));
            assertThat(notes).singleElement().asString().contains("broken.pt");
            GeneratedImage negative = draw(atelier, "a cat", "easynegative");
            assertThat(pixels(negative)).isNotEqualTo(plain);
            String hash = FileHash.sha256(embedding, Progress.NONE).substring(0, 12);
            assertThat(negative.infotext()).contains("TI hashes: \"EasyNegative: %s\"".formatted(hash));
            assertThat(notes).isEmpty();

            draw(atelier, "a wide cat", "bad-hands-5");
            assertThat(notes).hasSize(2);
            assertThat(notes.getFirst()).contains("\"wide\"").contains("[768]");
            assertThat(notes.getLast()).contains("\"bad-hands-5\"");
        }
    }
}
