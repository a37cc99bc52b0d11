package dev.atelier.server.a1111;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.Infotext;
import dev.atelier.diffusion.PngFile;
import dev.atelier.server.TestServer;
import dev.atelier.server.db.Json;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class A1111ApiTest {
    private static final String SMALL = "\"steps\": 2, \"width\": 64, \"height\": 64";

    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode draw(String route, String body) {
        HttpResponse<String> response = server.post("/sdapi/v1/" + route, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json(response);
    }

    private static byte[] png(JsonNode image) {
        return Base64.getDecoder().decode(image.stringValue());
    }

    private static List<String> names(JsonNode object) {
        return List.copyOf(object.propertyNames());
    }

    @Test
    void txt2imgDrawsWhatItIsAsked() throws IOException {
        JsonNode response = draw(
                "txt2img",
                "{\"prompt\": \"a cat\", \"seed\": 5, \"sampler_name\": \"Euler a\", \"batch_size\": 2, \"n_iter\": 2, "
                        + SMALL + "}");

        // a client in Java refuses any other
        assertThat(names(response)).containsExactly("images", "parameters", "info");
        assertThat(response.get("images")).hasSize(4);
        Infotext infotext = Infotext.parse(
                PngFile.readInfotext(png(response.get("images").get(3))).orElseThrow());
        assertThat(infotext.prompt()).isEqualTo("a cat");
        assertThat(infotext.parameters()).containsEntry("Seed", "8").containsEntry("Sampler", "Euler a");
        JsonNode info = Json.MAPPER.readTree(response.get("info").stringValue());
        assertThat(info.get("all_seeds").toString()).isEqualTo("[5,6,7,8]");
        assertThat(info.get("infotexts")).hasSize(4);
        assertThat(info.get("sampler_name").stringValue()).isEqualTo("Euler a");
        assertThat(response.get("parameters").get("seed").longValue()).isEqualTo(5);
        assertThat(response.get("parameters").get("hr_scale").doubleValue()).isEqualTo(2.0);
    }

    @Test
    void samplersAreSetAsTheSettingsOrTheRequestSay() throws IOException {
        JsonNode response = draw("txt2img", """
                {"prompt": "a cat", "sampler_name": "Euler a", "scheduler": "karras", "s_noise": 1.01,
                 "override_settings": {"eta_ancestral": 0.5, "eta_noise_seed_delta": 31337, "sigma_min": 0.1, "rho": 5,
                  "always_discard_next_to_last_sigma": true, "skip_early_cond": 0.2, "s_min_uncond": 3, "s_noise": 2,
                  "sdxl_crop_top": 24, "sdxl_refiner_high_aesthetic_score": 7}, %s}""".formatted(SMALL));
        assertThat(Infotext.parse(
                                PngFile.readInfotext(png(response.get("images").get(0)))
                                        .orElseThrow())
                        .parameters())
                .containsEntry("Eta", "0.5")
                .containsEntry("ENSD", "31337")
                .containsEntry("Schedule min sigma", "0.1")
                .containsEntry("Schedule rho", "5.0")
                .containsEntry("Discard penultimate sigma", "True")
                .containsEntry("Skip Early CFG", "0.2")
                .containsEntry("NGMS", "3.0")
                .containsEntry("SDXL crop top", "24")
                .containsEntry("SDXL high aesthetic score", "7.0");
    }

    @Test
    void settingsForOldPicturesAndForUniPcAreObeyed() throws IOException {
        JsonNode response = draw("txt2img", """
                {"prompt": "a [cat:dog:0.5]", "sampler_name": "UniPC", "enable_hr": true, "override_settings":
                 {"uni_pc_variant": "bh2", "uni_pc_skip_type": "logSNR", "uni_pc_order": 2, "uni_pc_lower_order_final": false,
                  "use_old_scheduling": true, "use_downcasted_alpha_bar": true, "img2img_extra_noise": 0.1,
                  "use_old_hires_fix_width_height": true}, %s}""".formatted(SMALL.replace("64", "640")));
        BufferedImage drawn =
                ImageIO.read(new ByteArrayInputStream(png(response.get("images").get(0))));
        assertThat(drawn.getWidth()).isEqualTo(640);
        assertThat(parameters(response))
                .containsEntry("UniPC variant", "bh2")
                .containsEntry("UniPC skip type", "logSNR")
                .containsEntry("UniPC order", "2")
                .containsEntry("UniPC lower order final", "False")
                .containsEntry("Old prompt editing timelines", "True")
                .containsEntry("Downcast alphas_cumprod", "True")
                .containsEntry("Extra noise", "0.1")
                .containsEntry("Size", "512x512")
                .containsEntry("Hires resize", "640x640");
        JsonNode other = draw("txt2img", """
                {"prompt": "a cat", "sampler_name": "Euler", "scheduler": "karras", "override_settings":
                 {"use_old_karras_scheduler_sigmas": true, "sd_noise_schedule": "Zero Terminal SNR"}, %s}""".formatted(SMALL));
        assertThat(parameters(other))
                .containsEntry("Schedule min sigma", "0.1")
                .containsEntry("Schedule max sigma", "10.0")
                .containsEntry("Noise Schedule", "Zero Terminal SNR");
    }

    @Test
    void settingsThatChangeNothingHereAreToldInTheAnswer() {
        JsonNode response = draw("txt2img", """
                {"prompt": "a cat", "override_settings": {"sd_vae_decode_method": "TAESD", "overlay_inpaint": true,
                 "face_restoration": false, "no_such_setting": 1, "samples_save": false}, %s}""".formatted(SMALL));
        assertThat(Json.MAPPER.readTree(response.get("info").stringValue()).get("comments"))
                .extracting(JsonNode::stringValue)
                .containsExactly(
                        "the setting sd_vae_decode_method changes nothing here",
                        "the setting no_such_setting is not known here");
    }

    private static Map<String, String> parameters(JsonNode response) throws IOException {
        return Infotext.parse(
                        PngFile.readInfotext(png(response.get("images").get(0))).orElseThrow())
                .parameters();
    }

    @Test
    void picturesToStartFromAreTakenAsTheSettingsSay() throws IOException {
        String image = draw("txt2img", "{\"prompt\": \"a cat\", \"seed\": 9, " + SMALL + "}")
                .get("images")
                .get(0)
                .stringValue();
        JsonNode response = draw("img2img", """
                {"prompt": "a cat", "init_images": ["%s"], "denoising_strength": 0.5, "override_settings":
                 {"initial_noise_multiplier": 0.9, "img2img_extra_noise": 0.2, "img2img_fix_steps": true}, %s}""".formatted(image, SMALL));
        assertThat(Infotext.parse(
                                PngFile.readInfotext(png(response.get("images").get(0)))
                                        .orElseThrow())
                        .parameters())
                .containsEntry("Noise multiplier", "0.9")
                .containsEntry("Extra noise", "0.2");
    }

    @Test
    void theSameSeedGivesTheSamePicture() {
        String body = "{\"prompt\": \"a cat\", \"seed\": 9, " + SMALL + "}";
        assertThat(draw("txt2img", body).get("images"))
                .isEqualTo(draw("txt2img", body).get("images"));
    }

    @Test
    void hiresFixMakesThePictureLarger() throws IOException {
        JsonNode response = draw(
                "txt2img",
                "{\"enable_hr\": true, \"hr_upscaler\": \"LatentNearestExact\", \"denoising_strength\": 0.5, " + SMALL
                        + "}");
        String infotext =
                PngFile.readInfotext(png(response.get("images").get(0))).orElseThrow();
        assertThat(infotext).contains("Hires upscale: 2").contains("Hires upscaler: Latent (nearest-exact)");
    }

    @Test
    void img2imgStartsFromAPictureAndInpaints() {
        String image = draw("txt2img", "{" + SMALL + "}").get("images").get(0).stringValue();
        JsonNode response = draw(
                "img2img",
                "{\"init_images\": [\"data:image/png;base64,%s\"], \"mask\": \"%s\", \"mask_blur\": 0, %s}"
                        .formatted(image, image, SMALL));
        assertThat(response.get("images")).hasSize(1);
        assertThat(names(response.get("parameters")))
                .containsExactlyInAnyOrder("init_images", "mask", "mask_blur", "steps", "width", "height");
        assertThat(response.get("parameters").get("init_images").isNull()).isTrue();
        JsonNode soft = draw(
                "img2img",
                "{\"init_images\": [\"%s\"], \"mask\": \"%s\", \"alwayson_scripts\": {\"Soft Inpainting\": {\"args\": [true, 2]}}, %s}"
                        .formatted(image, image, SMALL));
        assertThat(info(soft).at("/infotexts/0").stringValue())
                .contains("Soft inpainting schedule bias: 2.0, Soft inpainting preservation strength: 0.5");
    }

    @Test
    void anExpressionIsAModelToo() {
        String model = models().get(0).get("model_name").stringValue();
        JsonNode response = draw(
                "txt2img",
                "{\"override_settings\": {\"sd_model_checkpoint\": \"0.5*'%s' + 0.5*'%s'\"}, %s}"
                        .formatted(model, model, SMALL));
        assertThat(response.get("info").stringValue()).contains("0.5*'" + model + "'");
    }

    private static JsonNode models() {
        return json(server.get("/sdapi/v1/sd-models"));
    }

    @Test
    void modelsHaveExactlyTheFieldsThatClientsKnow() {
        assertThat(names(models().get(0)))
                .containsExactly("title", "model_name", "hash", "sha256", "filename", "config");
        assertThat(models().get(0).get("title").stringValue())
                .endsWith("[" + models().get(0).get("hash").stringValue() + "]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"steps\": \"many\"} | steps | value is not a valid integer | type_error.integer",
                "{\"cfg_scale\": []} | cfg_scale | value is not a valid float | type_error.float",
                "{\"prompt\": {}} | prompt | str type expected | type_error.str",
                "{\"tiling\": \"maybe\"} | tiling | value could not be parsed to a boolean | type_error.bool",
                "{\"styles\": \"none\"} | styles | value is not a valid list | type_error.list",
                "{\"override_settings\": 1} | override_settings | value is not a valid dict | type_error.dict",
            })
    void whatDoesNotFitIsSaidInPydanticsWords(String body, String field, String message, String type) {
        HttpResponse<String> response = server.post("/sdapi/v1/txt2img", body);
        assertThat(response.statusCode()).isEqualTo(422);
        assertThat(json(response).toString())
                .isEqualTo("{\"detail\":[{\"loc\":[\"body\",\"%s\"],\"msg\":\"%s\",\"type\":\"%s\"}]}"
                        .formatted(field, message, type));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "\"text\"", "{\"a\":1}{\"b\":2}", "{\"steps\": 1e999}"})
    void aBodyThatIsNoRequestIsRefused(String body) {
        HttpResponse<String> response = server.post("/sdapi/v1/txt2img", body);
        assertThat(response.statusCode()).isEqualTo(422);
        assertThat(json(response).get("detail").isArray()).isTrue();
    }

    @Test
    void valuesAreCoercedAsPydanticDoes() {
        JsonNode response = draw("txt2img", """
                {"steps": "2", "width": 64.9, "height": "64", "prompt": 12, "tiling": "no", "seed": null, "unheard_of": 1}
                """);
        assertThat(response.get("parameters").get("steps").intValue()).isEqualTo(2);
        assertThat(response.get("parameters").get("width").intValue()).isEqualTo(64);
        assertThat(response.get("parameters").get("prompt").stringValue()).isEqualTo("12");
    }

    @Test
    void whereABodyIsNoJsonIsANumber() {
        HttpResponse<String> response = server.post("/sdapi/v1/txt2img", "{\"prompt\": \"x\",");
        assertThat(response.statusCode()).isEqualTo(422);
        assertThat(json(response).at("/detail/0/loc").toString()).isEqualTo("[\"body\",15]");
    }

    @Test
    void aValueOutOfRangeIsNamed() {
        HttpResponse<String> response = server.post("/sdapi/v1/txt2img", "{\"steps\": 100000, \"batch_size\": 0}");
        assertThat(response.statusCode()).isEqualTo(422);
        assertThat(json(response).get("detail"))
                .extracting(
                        problem -> problem.get("loc").get(1).stringValue(),
                        problem -> problem.get("msg").stringValue())
                .containsExactly(
                        tuple("batch_size", "ensure this value is greater than or equal to 1"),
                        tuple("steps", "ensure this value is less than or equal to 1000"));
    }

    @Test
    void anUnknownRouteAndAWrongMethodAreFastApis() {
        assertThat(server.get("/sdapi/v1/nothing").body()).isEqualTo("{\"detail\":\"Not Found\"}");
        HttpResponse<String> wrong = server.get("/sdapi/v1/txt2img");
        assertThat(wrong.statusCode()).isEqualTo(405);
        assertThat(wrong.body()).isEqualTo("{\"detail\":\"Method Not Allowed\"}");
    }

    @Test
    void optionsAreKeptAndUnknownOnesRefused() {
        assertThat(server.post("/sdapi/v1/options", "{\"CLIP_stop_at_last_layers\": 2}")
                        .body())
                .isEqualTo("null");
        assertThat(json(server.get("/sdapi/v1/options"))
                        .get("CLIP_stop_at_last_layers")
                        .intValue())
                .isEqualTo(2);
        server.post("/sdapi/v1/options", "{\"CLIP_stop_at_last_layers\": 1}");
        HttpResponse<String> unknown = server.post("/sdapi/v1/options", "{\"no_such_option\": 1}");
        assertThat(unknown.statusCode()).isEqualTo(500);
        assertThat(json(unknown).get("error").stringValue()).isEqualTo("KeyError");
        HttpResponse<String> model =
                server.post("/sdapi/v1/options", "{\"sd_model_checkpoint\": \"../../etc/passwd\"}");
        assertThat(model.statusCode()).isEqualTo(500);
        assertThat(json(model).get("errors").stringValue()).isEqualTo("model '../../etc/passwd' not found");
    }

    @Test
    void samplersAreTheTwentyOfTheWebUiAndAFewMore() {
        JsonNode samplers = json(server.get("/sdapi/v1/samplers"));
        assertThat(samplers).hasSize(29);
        assertThat(samplers.get(19).get("name").stringValue()).isEqualTo("LCM");
        assertThat(samplers.get(5).toString())
                .contains(
                        "\"DPM++ 3M SDE\"", "\"discard_next_to_last_sigma\":\"True\"", "\"scheduler\":\"exponential\"");
        assertThat(json(server.get("/sdapi/v1/schedulers"))).hasSize(12);
    }

    @Test
    void severalPicturesToStartFromGiveABatch() throws IOException {
        String image = draw("txt2img", "{" + SMALL + "}").get("images").get(0).stringValue();
        JsonNode response = draw(
                "img2img",
                "{\"init_images\": [\"%s\", \"%s\"], \"seed\": 5, \"tiling\": true, %s}"
                        .formatted(image, image, SMALL));
        assertThat(response.get("images")).hasSize(2);
        JsonNode info = Json.MAPPER.readTree(response.get("info").stringValue());
        assertThat(info.get("all_seeds").toString()).isEqualTo("[5,6]");
        assertThat(info.get("batch_size").intValue()).isEqualTo(2);
        assertThat(info.get("infotexts").get(1).stringValue())
                .contains("Seed: 6,")
                .contains("Tiling: True");
    }

    @Test
    void aScriptThatIsNotThereIsNotPassedOver() {
        HttpResponse<String> answer =
                server.post("/sdapi/v1/txt2img", "{\"prompt\": \"a cat\", \"script_name\": \"SD upscale\"}");
        assertThat(answer.statusCode()).isEqualTo(422);
        assertThat(answer.body()).contains("Script 'SD upscale' not found");
        assertThat(server.post(
                                "/sdapi/v1/txt2img",
                                "{\"script_name\": \"X/Y/Z plot\", \"script_args\": [32, \"1\", []]}")
                        .body())
                .contains("Face restore");
    }

    private static JsonNode info(JsonNode response) {
        return Json.MAPPER.readTree(response.get("info").stringValue());
    }

    private static List<String> prompts(JsonNode info) {
        List<String> prompts = new ArrayList<>();
        info.get("all_prompts").forEach(prompt -> prompts.add(prompt.stringValue()));
        return prompts;
    }

    private static BufferedImage image(JsonNode response, int index) throws IOException {
        return ImageFile.read(png(response.get("images").get(index)));
    }

    @Test
    void promptMatrixDrawsAllCombinationsBehindASheetOfThem() throws IOException {
        JsonNode response = draw("txt2img", """
                {"prompt": "a cat|red,|at night", "seed": 5, "script_name": "Prompt matrix",
                 "script_args": [false, true, "positive", "comma", 0], %s}""".formatted(SMALL));
        assertThat(response.get("images")).hasSize(5);
        JsonNode info = info(response);
        assertThat(prompts(info)).containsExactly("a cat", "a cat, red", "a cat, at night", "a cat, red, at night");
        assertThat(info.get("all_seeds").toString()).isEqualTo("[5,6,7,8]");
        assertThat(info.get("index_of_first_image").intValue()).isEqualTo(1);
        assertThat(info.get("infotexts").get(0).stringValue()).contains("Script: Prompt matrix");
        assertThat(image(response, 0).getWidth())
                .isGreaterThan(2 * image(response, 1).getWidth());
    }

    @Test
    void promptsFromATextAreDrawnOneAfterTheOther() {
        JsonNode response = draw("txt2img", """
                {"prompt": "large", "seed": 5, "script_name": "Prompts from file or textbox",
                 "script_args": [true, false, "start", "a cat\\n\\n--prompt \\"a dog\\" asleep --seed 9"], %s}""".formatted(SMALL));
        JsonNode info = info(response);
        assertThat(prompts(info)).containsExactly("a cat large", "a dog asleep large");
        assertThat(info.get("all_seeds").toString()).isEqualTo("[5,9]");
        assertThat(response.get("images")).hasSize(2);
    }

    @Test
    void aPlotChangesTheRequestAlongItsAxes() throws IOException {
        JsonNode response = draw("txt2img", """
                {"prompt": "a cat", "seed": 5, "script_name": "X/Y/Z plot",
                 "script_args": [7, "cat, dog", [], 9, "", ["Euler", "DDIM"], 4, "1-2", [], true, true, true, false, true, false, false, 0, false],
                 %s}""".formatted(SMALL));
        JsonNode info = info(response);
        assertThat(response.get("images")).hasSize(1 + 2 + 8);
        assertThat(prompts(info).subList(0, 3)).containsExactly("a cat", "a dog", "a cat");
        assertThat(info.get("all_seeds").toString()).isEqualTo("[5,6,5,6,5,6,5,6]");
        assertThat(info.get("index_of_first_image").intValue()).isEqualTo(3);
        assertThat(info.get("infotexts").get(0).stringValue())
                .contains("X Type: Prompt S/R")
                .contains("Y Values: \"Euler, DDIM\"");
        assertThat(Infotext.parse(info.get("infotexts").get(3 + 6).stringValue())
                        .parameters())
                .containsEntry("Steps", "2")
                .containsEntry("Sampler", "DDIM");
        assertThat(image(response, 1).getWidth())
                .isGreaterThan(2 * image(response, 3).getWidth());
    }

    @Test
    void aPictureGoesOnBeyondItsEdges() throws IOException {
        String image = draw("txt2img", "{\"prompt\": \"a cat\", \"seed\": 9, " + SMALL + "}")
                .get("images")
                .get(0)
                .stringValue();
        String body =
                "{\"init_images\": [\"%s\"], \"seed\": 5, \"script_name\": \"%s\", \"script_args\": %s, " + SMALL + "}";
        JsonNode beside =
                draw("img2img", body.formatted(image, "Outpainting mk2", "[\"\", 32, 4, [\"right\"], 1, 0.05]"));
        BufferedImage wide =
                ImageIO.read(new ByteArrayInputStream(png(beside.get("images").get(0))));
        assertThat(List.of(wide.getWidth(), wide.getHeight())).containsExactly(128, 64);
        BufferedImage old =
                ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(image)));
        assertThat(wide.getRGB(0, 30)).isEqualTo(old.getRGB(0, 30));
        JsonNode below = draw(
                "img2img",
                body.formatted(
                        image, "poor man's outpainting", "[32, 4, \"fill\", [\"down\"]], \"mask\": \"" + image + "\""));
        BufferedImage high =
                ImageIO.read(new ByteArrayInputStream(png(below.get("images").get(0))));
        assertThat(List.of(high.getWidth(), high.getHeight())).containsExactly(64, 128);
        HttpResponse<String> refused = server.post(
                "/sdapi/v1/img2img", body.formatted(image, "Outpainting mk2", "[\"\", 32, 4, [\"top\"], 1, 0.05]"));
        assertThat(refused.statusCode()).isEqualTo(422);
        assertThat(refused.body()).contains("known are [left, right, up, down]");
    }

    @Test
    void aLoopbackStartsFromItsOwnPictures() {
        String image = draw("txt2img", "{" + SMALL + "}").get("images").get(0).stringValue();
        JsonNode response = draw("img2img", """
                {"init_images": ["%s"], "seed": 5, "denoising_strength": 0.9, "script_name": "Loopback",
                 "script_args": [3, 0.5, "Linear", "None"], %s}""".formatted(image, SMALL));
        assertThat(response.get("images")).hasSize(4);
        JsonNode info = info(response);
        assertThat(info.get("all_seeds").toString()).isEqualTo("[5,6,7]");
        assertThat(info.get("infotexts").get(2).stringValue()).contains("Denoising strength: 0.7,");
        String again = response.get("images").get(1).stringValue();
        JsonNode second = draw("img2img", """
                {"init_images": ["%s"], "seed": 6, "denoising_strength": 0.7, "inpainting_fill": 1, %s}""".formatted(again, SMALL));
        assertThat(second.get("images").get(0)).isEqualTo(response.get("images").get(2));
    }

    @Test
    void whatIsIdleSaysSo() {
        JsonNode progress = json(server.get("/sdapi/v1/progress"));
        assertThat(names(progress)).containsExactly("progress", "eta_relative", "state", "current_image", "textinfo");
        assertThat(progress.get("progress").doubleValue()).isZero();
        assertThat(progress.get("state").get("job_count").intValue()).isZero();
        assertThat(server.post("/sdapi/v1/interrupt", "").body()).isEqualTo("{}");
        assertThat(server.post("/sdapi/v1/skip", "").body()).isEqualTo("null");
    }

    @Test
    void anInterruptedPictureIsHandedOverAsItIs() {
        CompletableFuture<JsonNode> drawing = CompletableFuture.supplyAsync(() -> draw(
                "txt2img",
                "{\"steps\": 1000, \"n_iter\": 50, \"width\": 64, \"height\": 64, \"force_task_id\": \"mine\"}"));
        boolean hasBegun = false;
        while (!hasBegun) {
            JsonNode progress = json(server.get("/sdapi/v1/progress?skip_current_image=true"));
            hasBegun = progress.get("state").get("sampling_step").intValue() > 0;
        }
        assertThat(json(server.post("/internal/progress", "{\"id_task\": \"mine\"}"))
                        .get("active")
                        .booleanValue())
                .isTrue();
        server.post("/sdapi/v1/interrupt", "");
        assertThat(drawing.join().get("images")).hasSize(1);
    }

    @Test
    void pngInfoReadsWhatWasWritten() {
        String image = draw("txt2img", "{\"prompt\": \"a cat\", " + SMALL + "}")
                .get("images")
                .get(0)
                .stringValue();
        ObjectNode request = Json.MAPPER.createObjectNode().put("image", image);
        JsonNode info = json(server.post("/sdapi/v1/png-info", request.toString()));
        assertThat(info.get("parameters").get("Prompt").stringValue()).isEqualTo("a cat");
        assertThat(info.get("parameters").get("Steps").stringValue()).isEqualTo("2");
    }

    @Test
    void latinLettersOfOldClientsAreUnderstood() {
        byte[] body = ("{\"prompt\": \"café\", " + SMALL + "}").getBytes(StandardCharsets.ISO_8859_1);
        HttpResponse<String> response =
                server.send(server.request("/sdapi/v1/txt2img").POST(BodyPublishers.ofByteArray(body)));
        assertThat(json(response).get("parameters").get("prompt").stringValue()).isEqualTo("café");
    }

    @Test
    void aPictureThatIsNoneOrTooLargeIsRefused() {
        for (String image : List.of(
                "AAAA", "no base64 at all!", bomb(), "http://169.254.169.254/latest", "https://example.org/x.png")) {
            ObjectNode request = Json.MAPPER.createObjectNode();
            request.putArray("init_images").add(image);
            HttpResponse<String> response = server.post("/sdapi/v1/img2img", request.toString());
            assertThat(response.statusCode()).as(image).isEqualTo(500);
            assertThat(json(response).get("detail").stringValue())
                    .matches("Invalid encoded image|Requests not allowed: .*(https|not among the hosts).*");
        }
        assertThat(server.post("/sdapi/v1/img2img", "{}").statusCode()).isEqualTo(404);
    }

    /** The header of a PNG file of 60,000 × 60,000 pixels. */
    private static String bomb() {
        byte[] header = java.util.HexFormat.of()
                .parseHex(
                        "89504e470d0a1a0a" + "0000000d49484452" + "0000ea60" + "0000ea60" + "0802000000" + "00000000");
        java.util.zip.CRC32 crc = new java.util.zip.CRC32();
        crc.update(header, 12, 17);
        java.nio.ByteBuffer.wrap(header).putInt(29, (int) crc.getValue());
        return Base64.getEncoder().encodeToString(header);
    }

    @ParameterizedTest
    @CsvSource({
        "Origin, https://evil.example, 403",
        "Origin, https://friend.example, 200",
        "Sec-Fetch-Site, cross-site, 403",
        "Sec-Fetch-Site, same-site, 403",
        "Sec-Fetch-Site, same-origin, 200",
    })
    void foreignPagesMayNotPost(String header, String value, int status) {
        // the JDK's client lets a program set these, which a page cannot
        HttpResponse<String> response = server.send(server.request("/sdapi/v1/refresh-checkpoints")
                .header(header, value)
                .POST(BodyPublishers.noBody()));
        assertThat(response.statusCode()).isEqualTo(status);
    }

    @Test
    void everyAnswerHasAnIdThatCannotCarryHeaders() {
        HttpResponse<String> kept = server.send(server.request("/internal/ping").header("X-Request-Id", "abc-1"));
        assertThat(kept.headers().firstValue("X-Request-Id")).contains("abc-1");
        HttpResponse<String> replaced =
                server.send(server.request("/internal/ping").header("X-Request-Id", "a b\tc"));
        assertThat(replaced.headers().firstValue("X-Request-Id").orElseThrow()).matches("[0-9a-f]{16}");
    }

    @Test
    void healthIsSaid() {
        assertThat(server.get("/healthz").body()).isEqualTo("{\"status\":\"ok\"}");
        assertThat(server.get("/readyz").statusCode()).isEqualTo(200);
        assertThat(server.get("/internal/ping").body()).isEqualTo("{}");
    }

    @Test
    void scriptsSayWhatTheirArgumentsAre() {
        JsonNode infos =
                Json.MAPPER.readTree(server.get("/sdapi/v1/script-info").body());
        JsonNode plot = script(infos, "x/y/z plot", true);
        assertThat(plot.at("/args/0/label").stringValue()).isEqualTo("X type");
        assertThat(plot.at("/args/0/choices/6").stringValue()).isEqualTo("Image CFG Scale"); // as script_args number it
        assertThat(plot.get("args").size()).isEqualTo(18);
        JsonNode overlap = script(infos, "sd upscale", true).at("/args/1");
        assertThat(overlap.toString())
                .isEqualTo("{\"label\":\"Tile overlap\",\"value\":64,\"minimum\":0,\"maximum\":256,\"step\":16,"
                        + "\"choices\":null}");
        assertThat(script(infos, "prompt matrix", false).at("/args/2/choices/1").stringValue())
                .isEqualTo("negative");
        assertThat(script(infos, "soft inpainting", true).at("/args/2/value").doubleValue())
                .isEqualTo(0.5);
        assertThat(script(infos, "controlnet", false).get("is_alwayson").booleanValue())
                .isTrue();
        JsonNode names = Json.MAPPER.readTree(server.get("/sdapi/v1/scripts").body());
        assertThat(names.get("txt2img").size() + names.get("img2img").size()).isEqualTo(infos.size());
    }

    private static JsonNode script(JsonNode infos, String name, boolean fromPicture) {
        for (JsonNode info : infos) {
            if (info.get("name").stringValue().equals(name)
                    && info.get("is_img2img").booleanValue() == fromPicture) {
                return info;
            }
        }
        throw new AssertionError("there is no " + name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"train/embedding", "train/hypernetwork"})
    void whatIsMadeElsewhereIsSaid(String route) {
        HttpResponse<String> response = server.post("/sdapi/v1/" + route, "{\"name\": \"x\"}");
        assertThat(response.statusCode()).isEqualTo(501);
        JsonNode problem = Json.MAPPER.readTree(response.body());
        assertThat(problem.get("error").stringValue()).isEqualTo("HTTPException");
        assertThat(problem.get("detail").stringValue()).contains("/api/v1/trainings");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cmd-flags",
                "sd-vae",
                "hypernetworks",
                "face-restorers",
                "realesrgan-models",
                "prompt-styles",
                "embeddings",
                "scripts",
                "extensions",
                "loras",
                "memory",
                "upscalers",
                "latent-upscale-modes"
            })
    void whatClientsLookUpIsThere(String route) {
        HttpResponse<String> response = server.get("/sdapi/v1/" + route);
        assertThat(response.statusCode()).isEqualTo(200);
    }
}
