package dev.atelier.engine.onnx;

import static dev.atelier.engine.contract.Reference.relativeError;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.contract.Reference;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.Family;
import dev.atelier.model.FloatArray;
import dev.atelier.model.SizeConditioning;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What is exported, run as any program with ONNX Runtime would run it: from the files alone. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OnnxExportTest {
    @TempDir
    private static Path folder;

    private Path exported;

    @BeforeAll
    void export() {
        exported = folder.resolve("exported");
        OnnxExport.write(StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder))), exported, Progress.NONE);
    }

    @Test
    void theTextEncoderAgrees() throws OrtException {
        Reference reference = Reference.open("text-encoder.safetensors", folder);
        long[] tokens = Stream.of(reference.tokens("input_ids"))
                .flatMapToInt(Arrays::stream)
                .asLongStream()
                .toArray();
        try (OnnxTensor input = OnnxTensor.createTensor(Environment.ORT, LongBuffer.wrap(tokens), new long[] {2, 77})) {
            assertAgrees("text_encoder", Map.of("tokens", input), reference.array("last_hidden_state"));
        }
    }

    @Test
    void theUNetAgrees() throws OrtException {
        Reference reference = Reference.open("unet-nonsquare.safetensors", folder);
        try (OnnxTensor latents = tensor(reference.array("latents"));
                OnnxTensor timesteps =
                        tensor(FloatArray.of(reference.array("timesteps").values(), 1, 1));
                OnnxTensor context = tensor(reference.array("context"))) {
            assertAgrees(
                    "unet",
                    Map.of("latents", latents, "timesteps", timesteps, "context", context),
                    reference.array("output"));
        }
    }

    @Test
    void theVaeDecoderAgrees() throws OrtException {
        Reference reference = Reference.open("vae-decoder.safetensors", folder);
        try (OnnxTensor latents = tensor(reference.array("latents"))) {
            assertAgrees("vae_decoder", Map.of("latents", latents), reference.array("image"));
        }
    }

    @Test
    void nothingUnfinishedIsLeftBehind() throws IOException {
        try (Stream<Path> files = Files.list(exported.resolve("unet"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("model.onnx", "weights.safetensors");
        }
    }

    @Test
    void stableDiffusionXlHasTwoTextEncodersAndAVectorBesideTheTime() throws OrtException {
        Path xl = folder.resolve("xl");
        OnnxExport.write(
                StableDiffusion.of(Reference.open("sdxl.safetensors", folder).file()), xl, Progress.NONE);
        Reference text = Reference.open("sdxl-text.safetensors", folder);
        long[] tokens = Stream.of(text.tokens("input_ids"))
                .flatMapToInt(Arrays::stream)
                .asLongStream()
                .toArray();
        for (int row = 0; row < 2; row++) { // OpenCLIP's padding: 0 after the first EOS
            int end = 77 * row;
            while (tokens[end] != ClipTokenizer.EOS) {
                end++;
            }
            Arrays.fill(tokens, end + 1, 77 * (row + 1), 0);
        }
        try (OnnxTensor input = OnnxTensor.createTensor(Environment.ORT, LongBuffer.wrap(tokens), new long[] {2, 77});
                OrtSession session = Environment.ORT.createSession(
                        xl.resolve("text_encoder_2").resolve("model.onnx").toString(),
                        new OrtSession.SessionOptions());
                OrtSession.Result result = session.run(Map.of("tokens", input))) {
            OnnxTensor pooled = (OnnxTensor) result.get("pooled").orElseThrow();
            FloatArray actual = FloatArray.of(pooled.getFloatBuffer().array(), 2, 16);
            assertThat(relativeError(actual, text.array("pooled"))).isLessThan(1e-4);
        }
        Reference reference = Reference.open("sdxl-unet.safetensors", folder);
        SizeConditioning first = new SizeConditioning(832, 1024, 0, 16, 1024, 1024);
        FloatArray vector = first.vector(reference.array("pooled").rows(0, 1), Family.SDXL, 0);
        FloatArray steps = reference.array("timesteps");
        try (OnnxTensor latents = tensor(reference.array("latents").rows(0, 1));
                OnnxTensor timesteps = tensor(FloatArray.of(new float[] {steps.values()[0]}, 1, 1));
                OnnxTensor context = tensor(reference.array("context").rows(0, 1));
                OnnxTensor sizes = tensor(vector)) {
            assertAgrees(
                    xl,
                    "unet",
                    Map.of("latents", latents, "timesteps", timesteps, "context", context, "vector", sizes),
                    reference.array("output").rows(0, 1));
        }
    }

    private void assertAgrees(String network, Map<String, OnnxTensor> inputs, FloatArray expected) throws OrtException {
        assertAgrees(exported, network, inputs, expected);
    }

    private static void assertAgrees(Path exported, String network, Map<String, OnnxTensor> inputs, FloatArray expected)
            throws OrtException {
        Path file = exported.resolve(network).resolve("model.onnx");
        try (OrtSession session = Environment.ORT.createSession(file.toString(), new OrtSession.SessionOptions());
                OrtSession.Result result = session.run(inputs)) {
            OnnxTensor output = (OnnxTensor) result.get(0);
            FloatArray actual = FloatArray.of(output.getFloatBuffer().array(), expected.shape());
            assertThat(relativeError(actual, expected)).isLessThan(1e-4);
        }
    }

    private static OnnxTensor tensor(FloatArray array) throws OrtException {
        long[] shape = Arrays.stream(array.shape()).asLongStream().toArray();
        return OnnxTensor.createTensor(Environment.ORT, FloatBuffer.wrap(array.values()), shape);
    }
}
