package dev.atelier.server.a1111;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DemoModel;
import dev.atelier.model.Embedding;
import dev.atelier.model.Hypernetwork;
import dev.atelier.model.StableDiffusion;
import dev.atelier.server.TestServer;
import dev.atelier.server.db.Json;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** LoRAs, embeddings and ControlNets in AUTOMATIC1111's API, with the model that is part of Atelier. */
class NetworksTest {
    private static final String SMALL = "\"width\": 64, \"height\": 64, \"steps\": 1, \"seed\": 1";

    @TempDir
    static Path folder;

    private static Path demoFile;
    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        Path models = folder.resolve("models");
        demoFile = DemoModel.unpack(folder.resolve("unpacked"));
        StableDiffusion demo = StableDiffusion.of(Checkpoints.open(demoFile));
        long width = demo.tokenWidths().getFirst();
        Shape layer = demo.checkpoint()
                .tensor("cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight")
                .shape();
        String name = "lora_te_text_model_encoder_layers_0_mlp_fc1.";
        write(
                models.resolve("Lora/style.safetensors"),
                Map.of(
                        name + "lora_up.weight",
                        ones(layer.size(0), 1),
                        name + "lora_down.weight",
                        ones(1, layer.size(1))),
                Map.of("ss_output_name", "wax"));
        write(models.resolve("embeddings/glow.safetensors"), Map.of("emb_params", ones(2, width)), Map.of());
        write(models.resolve("embeddings/wide.safetensors"), Map.of("emb_params", ones(1, 1024)), Map.of());
        Map<String, Tensor> vae = new LinkedHashMap<>();
        demo.checkpoint().tensors().forEach((tensor, values) -> {
            if (tensor.startsWith("first_stage_model.")) {
                vae.put(tensor.substring("first_stage_model.".length()), values);
            }
        });
        write(models.resolve("vae/plain.safetensors"), vae, Map.of());
        write( // with nothing to add, it repeats pixels
                models.resolve("ESRGAN/twice.safetensors"),
                Map.of(
                        "body.0.weight", zeros(4, 3, 3, 3),
                        "body.0.bias", zeros(4),
                        "body.1.weight", zeros(4),
                        "body.2.weight", zeros(12, 4, 3, 3),
                        "body.2.bias", zeros(12)),
                Map.of());
        Files.writeString(
                models.resolve("styles.csv"),
                "name,prompt,negative_prompt\nwax,\"a \"\"wax\"\" {prompt}, shining\",\"dull,\nflat\"\n#no,x,y\nplain,soft,\n");
        server = TestServer.start(folder, null);
        assertThat(server.post("/sdapi/v1/refresh-loras", "").body()).isEqualTo("null");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Tensor ones(long... sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = new float[(int) shape.elements()];
        Arrays.fill(values, 1);
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(values));
    }

    private static Tensor zeros(long... sizes) {
        Shape shape = Shape.of(sizes);
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(new float[(int) shape.elements()]));
    }

    private static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        Files.createDirectories(file.getParent());
        Checkpoint.of(List.of(), tensors, metadata).writeTo(file, Progress.NONE);
    }

    @Test
    void theyAreListed() {
        JsonNode loras = json(server.get("/sdapi/v1/loras"));
        assertThat(loras).hasSize(1);
        assertThat(loras.get(0).get("name").stringValue()).isEqualTo("style");
        assertThat(loras.get(0).get("alias").stringValue()).isEqualTo("wax");
        JsonNode embeddings = json(server.get("/sdapi/v1/embeddings"));
        assertThat(embeddings.get("loaded").propertyNames()).containsExactly("glow");
        assertThat(embeddings.get("loaded").get("glow").get("vectors").intValue())
                .isEqualTo(2);
        assertThat(embeddings.get("skipped").propertyNames()).containsExactly("wide");
        assertThat(json(server.get("/controlnet/model_list")).get("model_list")).isEmpty();
        assertThat(server.get("/controlnet/module_list").body()).contains("lineart_standard");
    }

    @Test
    void aHypernetworkIsMade() throws IOException {
        String body = """
                {"name": "ink/2", "enable_sizes": ["320", 768], "layer_structure": [1, 2, 1], "activation_func": "relu",
                 "add_layer_norm": true, "use_dropout": true, "dropout_structure": "0, 0.3, 0"}""";
        for (String end : List.of("filename: .*/hypernetworks/ink2.pt", "error: file .*ink2.pt already exists")) {
            assertThat(json(server.post("/sdapi/v1/create/hypernetwork", body))
                            .get("info")
                            .stringValue())
                    .matches("create hypernetwork " + end);
        }
        Path file = folder.resolve("models/hypernetworks/ink2.pt");
        Hypernetwork made = Hypernetwork.of(Checkpoints.open(file), 1);
        assertThat(made.widths()).containsExactly(320, 768);
        assertThat(made.linears()).containsExactly(0, 4); // behind a ReLU, a norm and a dropout
        assertThat(made.norms()).containsExactly(2, 5);
        assertThat(made.activatesLast()).isFalse();
        assertThat(json(server.get("/sdapi/v1/hypernetworks"))
                        .get(0)
                        .get("name")
                        .stringValue())
                .isEqualTo("ink2");
        assertThat(server.post("/sdapi/v1/create/hypernetwork", body.replace("[1, 2, 1]", "\"2, 1\""))
                        .body())
                .contains("should start and end with size 1");
        assertThat(server.post("/sdapi/v1/create/hypernetwork", "{}").statusCode())
                .isEqualTo(422);
        Files.delete(file);
        server.post("/sdapi/v1/refresh-checkpoints", "");
    }

    @Test
    void anEmbeddingIsMade() throws IOException {
        String body = """
                {"name": "a/new.word", "num_vectors_per_token": 4, "init_text": "red circle", "overwrite_old": true}""";
        for (int i = 0; i < 2; i++) {
            assertThat(json(server.post("/sdapi/v1/create/embedding", body))
                            .get("info")
                            .stringValue())
                    .matches("create embedding filename: .*/embeddings/anew.word.safetensors");
        }
        assertThat(json(server.post("/sdapi/v1/create/embedding", body.replace("true", "false")))
                        .get("info")
                        .stringValue())
                .matches("create embedding error: file .*/embeddings/anew.word.safetensors already exists");
        Embedding made = Embedding.open(folder.resolve("models/embeddings/anew.word.safetensors"));
        assertThat(made.parts().getFirst().size(0)).isEqualTo(4);
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(demoFile));
        int width = model.tokenWidths().getFirst();
        float[] vector = new float[width];
        int[] ids = ClipTokenizer.standard().encode("red circle");
        for (int i = 0; i < 4; i++) {
            model.checkpoint()
                    .tensor("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight")
                    .to(DType.F32)
                    .read((long) ids[i / 2] * width, vector, width);
            assertThat(Arrays.copyOfRange(made.parts().getFirst().values(), i * width, (i + 1) * width))
                    .isEqualTo(vector);
        }
        Files.delete(folder.resolve("models/embeddings/anew.word.safetensors"));
        server.post("/sdapi/v1/refresh-embeddings", "");
    }

    @Test
    void aLoraIsNoModelToDrawWith() {
        for (String name : List.of("style", "Lora/style.safetensors")) {
            HttpResponse<String> option =
                    server.post("/sdapi/v1/options", "{\"sd_model_checkpoint\": \"%s\"}".formatted(name));
            assertThat(json(option).get("errors").stringValue()).isEqualTo("model '%s' not found".formatted(name));
            HttpResponse<String> ours =
                    server.post("/api/v1/pictures", "{\"model\": \"%s\", %s}".formatted(name, SMALL));
            assertThat(ours.statusCode()).isEqualTo(422);
            assertThat(json(ours).get("error").stringValue()).isEqualTo("\"%s\" is no checkpoint".formatted(name));
            HttpResponse<String> novitas = server.post(
                    "/v3/async/txt2img",
                    "{\"request\": {\"model_name\": \"%s\", \"prompt\": \"x\", \"width\": 128, \"height\": 128, \"steps\": 1, \"sampler_name\": \"Euler\"}}"
                            .formatted(name));
            assertThat(novitas.statusCode()).isEqualTo(400);
            assertThat(json(novitas).get("message").stringValue())
                    .startsWith("request.model_name: \"%s\" is no checkpoint".formatted(name));
        }
    }

    @Test
    void novitaListsThemByKind() {
        for (String type : List.of("lora", "vae", "textualinversion")) {
            JsonNode models = json(server.get("/v3/model?filter.types=" + type)).get("models");
            assertThat(models).as(type).hasSize(type.equals("textualinversion") ? 2 : 1);
            assertThat(models.get(0).at("/type/name").stringValue()).isEqualTo(type);
            assertThat(json(server.get("/v2/models?type=" + type)).at("/data/models"))
                    .hasSize(models.size());
        }
        JsonNode lora = json(server.get("/v3/model?filter.types=lora")).at("/models/0");
        assertThat(lora.get("sd_name").stringValue()).isEqualTo("Lora/style.safetensors");
        assertThat(lora.get("sd_name_in_api").stringValue()).isEqualTo("style");
        JsonNode checkpoints =
                json(server.get("/v3/model?filter.types=checkpoint")).get("models");
        assertThat(checkpoints).hasSize(1);
        assertThat(checkpoints.get(0).get("base_model").stringValue()).isEqualTo("SD 1.5");
        assertThat(json(server.get("/models")).at("/data/models")).hasSize(6);
    }

    @Test
    void aVaeIsNamedAndUsed() throws IOException {
        JsonNode vaes = json(server.get("/sdapi/v1/sd-vae"));
        assertThat(vaes).hasSize(1);
        assertThat(vaes.get(0).get("model_name").stringValue()).isEqualTo("plain.safetensors");
        String body = "{\"prompt\": \"a cat\", \"override_settings\": {\"sd_vae\": \"%s\"}, " + SMALL + "}";
        JsonNode other = json(server.post("/sdapi/v1/txt2img", body.formatted("plain.safetensors")));
        JsonNode own = json(server.post("/sdapi/v1/txt2img", body.formatted("Automatic")));
        JsonNode info = Json.MAPPER.readTree(other.get("info").stringValue());
        assertThat(info.get("sd_vae_name").stringValue()).isEqualTo("plain.safetensors");
        assertThat(info.get("infotexts").get(0).stringValue())
                .containsPattern(
                        "Model hash: [0-9a-f]{10}, Model: [^,]+, VAE hash: [0-9a-f]{10}, VAE: plain.safetensors,");
        assertThat(info.get("infotexts").get(0).stringValue()).contains("plain");
        assertThat(size(other.at("/images/0"))).isEqualTo(size(own.at("/images/0")));
        HttpResponse<String> novita = server.post(
                "/v3/async/txt2img",
                "{\"request\": {\"model_name\": \"%s\", \"prompt\": \"x\", \"width\": 128, \"height\": 128, \"steps\": 1, \"sampler_name\": \"Euler\", \"image_num\": 1, \"sd_vae\": \"nope\"}}"
                        .formatted(json(server.get("/v3/model?filter.types=checkpoint"))
                                .at("/models/0/sd_name")
                                .stringValue()));
        assertThat(json(novita).get("message").stringValue()).isEqualTo("request.sd_vae: there is no VAE \"nope\"");
    }

    @Test
    void extraNetworksCanBeSwitchedOff() {
        JsonNode drawn = json(server.post(
                "/sdapi/v1/txt2img",
                "{\"prompt\": \"a cat <lora:style:0.5>\", \"disable_extra_networks\": true, " + SMALL + "}"));
        assertThat(drawn.get("info").stringValue()).doesNotContain("Lora hashes");
    }

    @Test
    void shortcutsAreSettings() {
        String body =
                "{\"prompt\": \"a cat\", \"override_settings\": %s, \"width\": 64, \"height\": 64, \"steps\": 4, \"seed\": 1}";
        String exact = json(server.post("/sdapi/v1/txt2img", body.formatted("{}")))
                .at("/images/0")
                .stringValue();
        String cached = json(server.post(
                        "/sdapi/v1/txt2img",
                        body.formatted("{\"deepcache_enable\": true, \"deepcache_full_run_step_rate\": 4}")))
                .at("/images/0")
                .stringValue();
        String merged = json(server.post("/sdapi/v1/txt2img", body.formatted("{\"token_merging_ratio\": 0.5}")))
                .at("/images/0")
                .stringValue();
        assertThat(List.of(cached, merged)).doesNotContain(exact);
        assertThat(server.post("/sdapi/v1/options", "{\"token_merging_ratio\": 0.5}")
                        .body())
                .isEqualTo("null");
        try {
            assertThat(json(server.post("/sdapi/v1/txt2img", body.formatted("{}")))
                            .at("/images/0")
                            .stringValue())
                    .isEqualTo(merged);
        } finally {
            server.post("/sdapi/v1/options", "{\"token_merging_ratio\": 0}");
        }
    }

    @Test
    void anUnloadedModelIsLoadedAgain() {
        String body = "{\"prompt\": \"a cat\", " + SMALL + "}";
        String before =
                json(server.post("/sdapi/v1/txt2img", body)).at("/images/0").stringValue();
        assertThat(server.post("/sdapi/v1/unload-checkpoint", "").body()).isEqualTo("{}");
        assertThat(server.post("/sdapi/v1/reload-checkpoint", "").body()).isEqualTo("{}");
        assertThat(json(server.post("/sdapi/v1/txt2img", body)).at("/images/0").stringValue())
                .isEqualTo(before);
    }

    @Test
    void aSecondPassMayHaveAnotherModel() {
        String hires = "\"enable_hr\": true, \"hr_second_pass_steps\": 1, \"hr_scale\": 1, \"hr_checkpoint_name\": ";
        HttpResponse<String> missing =
                server.post("/sdapi/v1/txt2img", "{\"prompt\": \"a cat\", " + hires + "\"other\", " + SMALL + "}");
        assertThat(missing.statusCode()).isEqualTo(500);
        assertThat(missing.body()).contains("Could not find checkpoint with name other");
        String same = json(server.get("/sdapi/v1/sd-models")).at("/0/title").stringValue();
        JsonNode drawn = json(server.post(
                "/sdapi/v1/txt2img", "{\"prompt\": \"a cat\", " + hires + "\"" + same + "\", " + SMALL + "}"));
        assertThat(drawn.at("/images/0").isString()).isTrue();
    }

    @Test
    void promptsNameThemAndWhatIsMissingIsTold() {
        JsonNode drawn = json(server.post(
                "/sdapi/v1/txt2img", "{\"prompt\": \"a cat, glow <lora:style:0.5><lora:nope:1>\", " + SMALL + "}"));
        JsonNode info = Json.MAPPER.readTree(drawn.get("info").stringValue());
        assertThat(info.get("infotexts").get(0).stringValue())
                .contains("Lora hashes: \"style: ")
                .contains("TI hashes: \"glow: ");
        assertThat(info.get("comments")).hasSize(1);
        assertThat(info.get("comments").get(0).stringValue()).contains("\"nope\"");
    }

    @Test
    void novitasListOfLorasEndsUpInThePrompt() {
        HttpResponse<String> queued = server.post(
                "/v3/async/txt2img",
                "{\"request\": {\"model_name\": \"%s\", \"prompt\": \"a cat\", \"width\": 128, \"height\": 128, \"steps\": 1, \"sampler_name\": \"Euler\", \"image_num\": 1, \"loras\": [{\"model_name\": \"style.safetensors\", \"strength\": 0.5}], \"embeddings\": [{\"model_name\": \"glow\"}]}}"
                        .formatted(json(server.get("/sdapi/v1/sd-models"))
                                .get(json(server.get("/sdapi/v1/sd-models")).size() - 1)
                                .get("title")
                                .stringValue()));
        assertThat(queued.statusCode()).as(queued.body()).isEqualTo(200);
    }

    @Test
    void aControlNetThatIsNotThereIsRefusedByNameUnlessItIsSwitchedOff() {
        String unit = "{\"prompt\": \"a cat\", " + SMALL
                + ", \"alwayson_scripts\": {\"ControlNet\": {\"args\": [{\"enabled\": %s, \"model\": \"canny [0123abcd]\","
                + " \"module\": \"canny\", \"image\": \"%s\"}]}}}";
        String picture = json(server.post("/sdapi/v1/txt2img", "{\"prompt\": \"a cat\", " + SMALL + "}"))
                .get("images")
                .get(0)
                .stringValue();
        assertThat(server.post("/sdapi/v1/txt2img", unit.formatted(false, picture))
                        .statusCode())
                .isEqualTo(200);
        HttpResponse<String> refused = server.post("/sdapi/v1/txt2img", unit.formatted(true, picture));
        assertThat(refused.statusCode()).isNotEqualTo(200);
        assertThat(refused.body()).contains("canny [0123abcd]");
        assertThat(server.post(
                                "/sdapi/v1/txt2img",
                                unit.formatted(true, picture).replace("\"canny\"", "\"openpose\""))
                        .statusCode())
                .isEqualTo(422);
    }

    @Test
    void stylesGoAroundAndBehindThePrompt() {
        JsonNode styles = json(server.get("/sdapi/v1/prompt-styles"));
        assertThat(styles).hasSize(2);
        JsonNode drawn = json(server.post(
                "/sdapi/v1/txt2img",
                "{\"prompt\": \"cat\", \"negative_prompt\": \"blurry\", \"styles\": [\"wax\", \"plain\", \"nope\"], "
                        + SMALL + "}"));
        JsonNode info = Json.MAPPER.readTree(drawn.get("info").stringValue());
        assertThat(info.get("prompt").stringValue()).isEqualTo("a \"wax\" cat, shining, soft");
        assertThat(info.get("negative_prompt").stringValue()).isEqualTo("blurry, dull,\nflat");
    }

    @Test
    void anInfotextStandsForWhatARequestLeavesOut() {
        JsonNode drawn = json(
                server.post(
                        "/sdapi/v1/txt2img",
                        "{\"steps\": 2, \"infotext\": \"a dog\\nNegative prompt: red\\nSteps: 9, Sampler: Euler a, CFG scale: 3.0, Seed: 77, Size: 64x72\"}"));
        assertThat(Json.MAPPER
                        .readTree(drawn.get("info").stringValue())
                        .get("infotexts")
                        .get(0)
                        .stringValue())
                .startsWith("a dog\nNegative prompt: red\nSteps: 2, Sampler: Euler a, ")
                .contains("CFG scale: 3.0, Seed: 77, Size: 64x72");
    }

    @Test
    void finishedPicturesAreEnlarged() throws IOException {
        String picture = json(server.post("/sdapi/v1/txt2img", "{\"prompt\": \"a cat\", " + SMALL + "}"))
                .get("images")
                .get(0)
                .stringValue();
        String body =
                "{\"image\": \"%s\", \"imageList\": [{\"data\": \"%s\", \"name\": \"x\"}], \"upscaling_resize\": 1.5,"
                                .formatted(picture, picture)
                        + " \"upscaling_resize_w\": 100, \"upscaling_resize_h\": 50, ";
        JsonNode single = json(server.post("/sdapi/v1/extra-single-image", body + "\"upscaler_1\": \"Lanczos\"}"));
        assertThat(size(single.get("image"))).isEqualTo("96x96");
        assertThat(single.get("html_info").stringValue()).contains("Postprocess upscale by: 1.5");
        JsonNode batch = json(server.post(
                "/sdapi/v1/extra-batch-images",
                body + "\"resize_mode\": 1, \"upscaler_1\": \"Nearest\", \"upscaler_2\": \"Lanczos\","
                        + " \"extras_upscaler_2_visibility\": 0.5}"));
        assertThat(size(batch.get("images").get(0))).isEqualTo("100x50");
        assertThat(size(json(server.post("/sdapi/v1/extra-single-image", body + "\"upscaler_1\": \"None\"}"))
                        .get("image")))
                .isEqualTo("64x64");
        assertThat(server.post("/sdapi/v1/extra-single-image", body + "\"upscaler_1\": \"SwinIR\"}")
                        .statusCode())
                .isEqualTo(500);
    }

    @Test
    void anUpscalingNetworkIsTakenWhereverOneMayBe() throws IOException {
        assertThat(json(server.get("/sdapi/v1/upscalers")).toString()).contains("\"name\":\"twice\"");
        assertThat(json(server.get("/sdapi/v1/realesrgan-models"))
                        .at("/0/scale")
                        .intValue())
                .isEqualTo(2);
        assertThat(json(server.get("/api/v1/about")).get("upscalers").toString())
                .contains("twice");
        JsonNode drawn = json(server.post(
                "/sdapi/v1/txt2img",
                "{\"prompt\": \"a cat\", \"enable_hr\": true, \"hr_upscaler\": \"twice\", \"denoising_strength\": 0, "
                        + SMALL + "}"));
        String picture = drawn.at("/images/0").stringValue();
        assertThat(drawn.get("info").stringValue()).contains("Hires upscaler: twice");
        JsonNode large = json(server.post(
                "/sdapi/v1/extra-single-image",
                "{\"image\": \"%s\", \"upscaler_1\": \"twice\", \"upscaling_resize\": 2}".formatted(picture)));
        var before = ImageFile.read(Base64.getDecoder().decode(picture));
        var after = ImageFile.read(Base64.getDecoder().decode(large.get("image").stringValue()));
        assertThat(after.getWidth()).isEqualTo(2 * before.getWidth());
        assertThat(after.getRGB(31, 77)).isEqualTo(before.getRGB(15, 38));
        JsonNode again = json(server.post(
                "/sdapi/v1/img2img",
                ("{\"prompt\": \"a cat\", \"init_images\": [\"%s\"], \"override_settings\": {\"upscaler_for_img2img\":"
                                + " \"twice\"}, \"script_name\": \"SD upscale\", \"script_args\": [\"\", 16, \"twice\", 1.5], "
                                + SMALL + "}")
                        .formatted(picture)));
        assertThat(size(again.at("/images/0"))).isEqualTo("192x192");
        assertThat(again.get("info").stringValue()).contains("SD upscale upscaler: twice");
        HttpResponse<String> missing = server.post(
                "/sdapi/v1/txt2img",
                "{\"prompt\": \"a cat\", \"enable_hr\": true, \"hr_upscaler\": \"R-ESRGAN 4x+\", " + SMALL + "}");
        assertThat(missing.statusCode()).isEqualTo(422);
        assertThat(missing.body()).contains("RealESRGAN_x4plus.pth");
    }

    private static String size(JsonNode image) throws IOException {
        var picture = ImageFile.read(Base64.getDecoder().decode(image.stringValue()));
        return picture.getWidth() + "x" + picture.getHeight();
    }
}
