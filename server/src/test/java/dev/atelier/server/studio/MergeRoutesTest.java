package dev.atelier.server.studio;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.DemoModel;
import dev.atelier.server.TestServer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Merging over HTTP, on two precisions of the model that is part of Atelier. */
class MergeRoutesTest {
    @TempDir
    static Path folder;

    private static Path models;
    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        models = Files.createDirectories(folder.resolve("models"));
        Checkpoint demo = Checkpoints.open(DemoModel.unpack(folder));
        demo.writeTo(models.resolve("a.safetensors"), Progress.NONE);
        demo.cast(DType.F32).writeTo(models.resolve("b.safetensors"), Progress.NONE);
        server = TestServer.start(folder, null);
        server.post("/api/v1/models/scan", "");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode finished(HttpResponse<String> submitted) throws InterruptedException {
        assertThat(submitted.statusCode()).as(submitted.body()).isEqualTo(202);
        String job = json(submitted).get("job").stringValue();
        while (true) {
            JsonNode view = json(server.get("/api/v1/jobs/" + job));
            if (view.get("finishedAt").isString()) {
                return view;
            }
            Thread.sleep(50);
        }
    }

    @Test
    void aMergeIsPlannedThenWrittenWithItsRecipe() throws InterruptedException {
        String request = """
                {"primary": "a", "secondary": "b", "method": "weighted-sum", "multiplier": 0.25, "precision": "fp16",
                 "discard": "^first_stage_model\\\\.encoder", "metadata": {"modelspec.title": "Both"}%s}
                """;
        JsonNode plan = json(server.post("/api/v1/merges/plan", request.formatted("")));
        assertThat(plan.get("expression").stringValue())
                .isEqualTo("fp16(discard(weighted-sum(a, b, alpha=0.25), pattern=\"^first_stage_model\\.encoder\"))");
        assertThat(plan.get("file").stringValue()).isEqualTo("0.75(a) + 0.25(b).safetensors");
        assertThat(models.resolve("0.75(a) + 0.25(b).safetensors")).doesNotExist();

        JsonNode job = finished(server.post("/api/v1/merges", request.formatted("")));
        assertThat(job.get("state").stringValue()).as(job.toString()).isEqualTo("succeeded");
        Checkpoint written = Checkpoints.open(models.resolve("0.75(a) + 0.25(b).safetensors"));
        assertThat(written.metadata())
                .containsEntry("modelspec.title", "Both")
                .containsEntry("atelier.norm_num_groups", "4")
                .containsKey("atelier.recipe");
        assertThat(written.tensors().sequencedKeySet()).noneMatch(name -> name.startsWith("first_stage_model.encoder"));
        assertThat(written.tensor("model.diffusion_model.out.2.weight").dtype()).isEqualTo(DType.F16);

        JsonNode model =
                json(server.get("/api/v1/models/" + job.at("/result/model").longValue()));
        assertThat(model.at("/lineage/expression").stringValue()).contains("weighted-sum(A, B");
        assertThat(model.at("/lineage/inputs/0/file").stringValue()).isEqualTo("a.safetensors");

        long a = model.at("/lineage/inputs/0/model").longValue();
        assertThat(json(server.get("/api/v1/models/" + a)).get("stem").stringValue())
                .isEqualTo("a");

        HttpResponse<String> again = server.post("/api/v1/merges", request.formatted(""));
        assertThat(again.statusCode()).isEqualTo(409);
        assertThat(finished(server.post("/api/v1/merges", request.formatted(", \"overwrite\": true")))
                        .get("state")
                        .stringValue())
                .isEqualTo("succeeded");
    }

    @Test
    void aMergeWithAnInpaintingModelIsNamedSoAndTakesAConfigAlong() throws Exception {
        Checkpoint demo = Checkpoints.open(models.resolve("a.safetensors"));
        Map<String, Tensor> tensors = new LinkedHashMap<>(demo.tensors());
        Tensor four = tensors.get("model.diffusion_model.input_blocks.0.0.weight");
        Shape nine = Shape.of(
                four.shape().size(0), 9, four.shape().size(2), four.shape().size(3));
        tensors.put(
                "model.diffusion_model.input_blocks.0.0.weight",
                Tensor.of(DType.F32, nine, MemorySegment.ofArray(new float[(int) nine.elements()])));
        Checkpoint.of(List.of(), tensors, demo.metadata()).writeTo(models.resolve("hole.safetensors"), Progress.NONE);
        Files.writeString(models.resolve("b.yaml"), "model: {}");
        server.post("/api/v1/models/scan", "");
        String request = "{\"primary\": \"hole\", \"secondary\": \"b\", \"multiplier\": 0.5, \"name\": \"filled\"}";
        JsonNode plan = json(server.post("/api/v1/merges/plan", request));
        assertThat(plan.get("file").stringValue()).isEqualTo("filled.inpainting.safetensors");
        JsonNode job = finished(server.post("/api/v1/merges", request));
        assertThat(job.get("state").stringValue()).as(job.toString()).isEqualTo("succeeded");
        assertThat(models.resolve("filled.inpainting.yaml")).hasContent("model: {}");
    }

    @Test
    void aGridDrawsVirtualMergesAndWritesNothing() throws InterruptedException, IOException {
        JsonNode grid = json(server.post("/api/v1/merges/grid", """
                {"merge": {"primary": "a", "secondary": "b", "blocks": "GRAD_V"}, "multipliers": [0, 0.5],
                 "picture": {"prompt": "a red circle", "width": 64, "height": 64, "steps": 1}}
                """));
        assertThat(grid.get("cells")).hasSize(2);
        assertThat(grid.at("/cells/1/expression").stringValue())
                .startsWith("weighted-sum(a, b")
                .contains("blocks=\"0.0,0.5,");
        long seed = -1;
        for (JsonNode cell : grid.get("cells")) {
            String job = cell.get("job").stringValue();
            JsonNode view;
            do {
                Thread.sleep(50);
                view = json(server.get("/api/v1/jobs/" + job));
            } while (!view.get("finishedAt").isString());
            assertThat(view.get("state").stringValue()).as(view.toString()).isEqualTo("succeeded");
            assertThat(seed).isIn(-1L, view.at("/images/0/seed").longValue());
            seed = view.at("/images/0/seed").longValue();
        }
        try (var files = Files.list(models)) {
            assertThat(files.filter(file -> file.toString().contains("weighted")))
                    .isEmpty();
        }
    }

    @Test
    void aModelIsConverted() throws InterruptedException {
        JsonNode job = finished(
                server.post(
                        "/api/v1/conversions",
                        "{\"model\": \"a\", \"steps\": [\"only-vae\", \"bf16\"], \"name\": \"parts/vae\", \"format\": \"ckpt\"}"));
        assertThat(job.get("state").stringValue()).as(job.toString()).isEqualTo("succeeded");
        Checkpoint vae = Checkpoints.open(models.resolve("parts/vae.ckpt"));
        assertThat(vae.tensors().lastEntry().getValue().dtype()).isEqualTo(DType.BF16);
    }

    @Test
    void mistakesAreToldInAutomaticsWords() {
        assertThat(error("merges", "{}")).isEqualTo("Failed: Merging requires a primary model.");
        assertThat(error("merges", "{\"primary\": \"a\", \"method\": \"weighted-sum\"}"))
                .isEqualTo("Failed: Merging requires a secondary model.");
        assertThat(error("merges", "{\"primary\": \"a\", \"secondary\": \"b\", \"method\": \"add-difference\"}"))
                .isEqualTo("Failed: Interpolation method (Add difference) requires a tertiary model.");
        assertThat(error("merges", "{\"primary\": \"a\", \"method\": \"none\", \"precision\": \"fp4\"}"))
                .contains("fp8_e4m3fn");
        assertThat(error("merges", "{\"primary\": \"a\", \"method\": \"none\", \"discard\": \"(\"}"))
                .contains("regular expression");
        assertThat(error("conversions", "{\"model\": \"a\", \"steps\": [\"dance\"], \"name\": \"x\"}"))
                .contains("prune");
        assertThat(error("merges/grid", "{\"merge\": {\"primary\": \"a\"}, \"picture\": {}, \"multipliers\": []}"))
                .contains("25");
    }

    @Test
    void nothingIsWrittenOutsideTheFolderOfModels() {
        for (String name : new String[] {
            "../x", "/etc/x", "a/../../x", "..", "a//b", ".hidden", "C:x", "x\\u0000y", "a\\\\..\\\\..\\\\b", "x.", " "
        }) {
            HttpResponse<String> answer =
                    server.post("/api/v1/conversions", "{\"model\": \"a\", \"name\": \"%s\"}".formatted(name));
            assertThat(answer.statusCode()).as(name + ": " + answer.body()).isEqualTo(422);
        }
    }

    private static String error(String path, String body) {
        HttpResponse<String> answer = server.post("/api/v1/" + path, body);
        assertThat(answer.statusCode()).isEqualTo(422);
        return json(answer).get("error").stringValue();
    }
}
