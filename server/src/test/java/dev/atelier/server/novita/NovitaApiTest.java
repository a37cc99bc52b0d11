package dev.atelier.server.novita;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import dev.atelier.server.TestServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What the official clients send and read, byte for byte where it matters. */
class NovitaApiTest {
    /** Makes the server hold a poll until the task is done, as for the Python client. */
    private static final String PYTHON = "novita-python-sdk/0.5.0";

    @TempDir
    static Path folder;

    private static TestServer server;
    private static String model;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
        model = json(server.get("/v3/model")).at("/models/0/sd_name").stringValue();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static String common() {
        return "\"model_name\":\"%s\",\"prompt\":\"a red circle\",\"steps\":2,\"seed\":7,\"sampler_name\":\"Euler a\""
                .formatted(model);
    }

    private static JsonNode ok(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json(response);
    }

    private static JsonNode submitAndWait(String route, String body) {
        String id = ok(server.post(route, body)).get("task_id").stringValue();
        while (true) {
            JsonNode result = ok(server.send(
                    server.request("/v3/async/task-result?task_id=" + id).header("User-Agent", PYTHON)));
            String status = result.at("/task/status").stringValue();
            if (status.equals("TASK_STATUS_SUCCEED") || status.equals("TASK_STATUS_FAILED")) {
                assertThat(status).as(result.toString()).isEqualTo("TASK_STATUS_SUCCEED");
                return result;
            }
        }
    }

    private static HttpResponse<byte[]> download(String address) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(URI.create(address)).build(), BodyHandlers.ofByteArray());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static BufferedImage picture(JsonNode result) throws IOException {
        return ImageFile.read(
                download(result.at("/images/0/image_url").stringValue()).body());
    }

    @Test
    void textToImageAsTheJavaScriptClientSendsIt() throws IOException {
        JsonNode result = submitAndWait("/v3/async/txt2img", """
                {"request":{%s,"negative_prompt":"","width":128,"height":192,"image_num":2,"guidance_scale":7}}
                """.formatted(common()));
        assertThat(result.at("/task/task_type").stringValue()).isEqualTo("TXT_TO_IMG");
        assertThat(result.at("/task/progress_percent").intValue()).isEqualTo(100);
        assertThat(result.at("/extra/seed").stringValue()).isEqualTo("7");
        assertThat(result.at("/extra/debug_info/complete_time_ms").stringValue())
                .containsOnlyDigits();
        assertThat(result.get("images")).hasSize(2);
        assertThat(result.at("/images/0/image_type").stringValue()).isEqualTo("png");
        assertThat(result.at("/images/0/image_url_ttl").stringValue()).isEqualTo("3600");
        assertThat(result.at("/images/0/nsfw_detection_result").isNull()).isTrue();
        assertThat(result.get("videos").isArray()).isTrue();
        assertThat(picture(result))
                .extracting(BufferedImage::getWidth, BufferedImage::getHeight)
                .containsExactly(128, 192);
    }

    @Test
    void textToImageAsThePythonClientSendsIt() throws IOException {
        JsonNode result = submitAndWait("/v3/async/txt2img", """
                {"extra":{"response_image_type":"jpeg","enable_nsfw_detection":false,"nsfw_detection_level":0,
                  "custom_storage":{},"enterprise_plan":{}},
                 "request":{%s,"negative_prompt":null,"width":128,"height":128,"image_num":1,"guidance_scale":7.5,
                  "sd_vae":null,"loras":null,"embeddings":null,"hires_fix":null,"refiner":null,"clip_skip":null}}
                """.formatted(common()));
        HttpResponse<byte[]> file = download(result.at("/images/0/image_url").stringValue());
        assertThat(file.headers().firstValue("Content-Type")).hasValue("image/jpeg");
        assertThat(file.body()).startsWith(0xff, 0xd8);
        assertThat(result.at("/images/0/image_type").stringValue()).isEqualTo("jpeg");
        assertThat(picture(result).getWidth()).isEqualTo(128);
    }

    @Test
    void aSecondPassEnlarges() throws IOException {
        JsonNode result = submitAndWait("/v3/async/txt2img", """
                {"request":{%s,"width":128,"height":128,"guidance_scale":7,
                  "hires_fix":{"target_width":192,"target_height":256,"strength":0.5,"upscaler":"Latent"}}}
                """.formatted(common()));
        assertThat(picture(result))
                .extracting(BufferedImage::getWidth, BufferedImage::getHeight)
                .containsExactly(192, 256);
    }

    @Test
    void picturesAndMasksAreTakenUp() throws IOException {
        JsonNode drawn = submitAndWait(
                "/v3/async/txt2img", "{%s,\"width\":128,\"height\":128,\"image_num\":1}".formatted(common()));
        byte[] png = download(drawn.at("/images/0/image_url").stringValue()).body();
        String base64 = Base64.getEncoder().encodeToString(png);
        JsonNode changed = submitAndWait("/v3/async/img2img", """
                {"request":{%s,"width":"256","height":128,"strength":null,"image_base64":"data:image/png;base64,%s"}}
                """.formatted(common(), base64));
        assertThat(changed.at("/task/task_type").stringValue()).isEqualTo("IMG_TO_IMG");
        assertThat(picture(changed).getWidth()).isEqualTo(256);
        JsonNode mended = submitAndWait("/v3/async/inpainting", """
                {"request":{%s,"image_base64":"%s","mask_image_base64":"%s","mask_blur":null,
                  "inpainting_full_res":false,"inpainting_mask_invert":0}}
                """.formatted(common(), base64, base64));
        assertThat(picture(mended).getWidth()).isEqualTo(128);
    }

    @Test
    void picturesAreMadeLarger() throws IOException {
        JsonNode drawn = submitAndWait(
                "/v3/async/txt2img", "{%s,\"width\":128,\"height\":128,\"image_num\":1}".formatted(common()));
        String base64 = Base64.getEncoder()
                .encodeToString(
                        download(drawn.at("/images/0/image_url").stringValue()).body());
        JsonNode large = submitAndWait("/v3/async/upscale", """
                {"request":{"model_name":"RealESRGAN_x4plus_anime_6B","image_base64":"%s","scale_factor":"2"}}
                """.formatted(base64));
        assertThat(large.at("/task/task_type").stringValue()).isEqualTo("UPSCALE");
        assertThat(large.at("/extra/seed").isMissingNode()).isTrue();
        assertThat(picture(large))
                .extracting(BufferedImage::getWidth, BufferedImage::getHeight)
                .containsExactly(256, 256);
        assertThat(PngFile.readInfotext(
                        download(large.at("/images/0/image_url").stringValue()).body()))
                .hasValueSatisfying(text -> assertThat(text)
                        .startsWith("Postprocess upscale by: 2.0, Postprocess upscaler: Lanczos, Missing upscaler: ")
                        .contains("RealESRGAN_x4plus_anime_6B.pth"));
        JsonNode sized = version2("/v2/upscale", """
                {"image":"%s","resize_mode":1,"upscaling_resize":2.0,"upscaling_resize_w":192,"upscaling_resize_h":256,
                 "upscaling_crop":true,"upscaler_1":"R-ESRGAN 4x+","upscaler_2":"Nearest",
                 "extras_upscaler_2_visibility":0.5,"gfpgan_visibility":null,"codeformer_visibility":0}
                """.formatted(base64));
        assertThat(ImageFile.read(download(sized.at("/imgs/0").stringValue()).body()))
                .extracting(BufferedImage::getWidth, BufferedImage::getHeight)
                .containsExactly(192, 256);
        HttpResponse<String> faces =
                server.post("/v2/upscale", "{\"image\":\"%s\",\"gfpgan_visibility\":0.5}".formatted(base64));
        assertThat(json(faces).get("code").intValue()).isEqualTo(10);
        HttpResponse<String> unknown = server.post(
                "/v3/async/upscale",
                "{\"model_name\":\"nope\",\"scale_factor\":2,\"image_base64\":\"%s\"}".formatted(base64));
        assertThat(json(unknown).get("message").stringValue()).isEqualTo("model_name: there is no upscaler \"nope\"");
    }

    private static JsonNode version2(String route, String body) {
        String id = ok(server.post(route, body)).at("/data/task_id").stringValue();
        while (true) {
            JsonNode data = ok(server.send(server.request("/v2/progress?task_id=" + id)
                            .header("User-Agent", "omniinfer-python-sdk/0.3.4")))
                    .get("data");
            if (data.get("status").intValue() >= 2) {
                assertThat(data.get("status").intValue()).as(data.toString()).isEqualTo(2);
                return data;
            }
        }
    }

    @Test
    void oneChangedLetterSpoilsALink() {
        JsonNode drawn = submitAndWait("/v3/async/txt2img", "{%s,\"width\":128,\"height\":128}".formatted(common()));
        String address = drawn.at("/images/0/image_url").stringValue();
        assertThat(download(address).statusCode()).isEqualTo(200);
        assertThat(download(address.replace("0.png", "1.png")).statusCode()).isEqualTo(404);
        assertThat(download(address.replaceFirst("/files/(\\d)", "/files/9$1")).statusCode())
                .isEqualTo(404);
        assertThat(download(address.replaceFirst("images/", "images/..%2f")).statusCode())
                .isBetween(400, 404);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'{\"request\":{\"width\":64}}'                               | request.width: 64 is outside [128, 2048]",
                "'{\"request\":{\"width\":128}}'                              | request.height is missing",
                "'{\"request\":{\"width\":\"wide\"}}'                         | request.width must be a number",
                "'{\"width\":128,\"height\":128,\"steps\":1.5}'               | steps must be a whole number",
                "'{\"width\":128,\"height\":128,\"steps\":2}'                 | model_name is missing",
                "'[]'                                                         | the body must be a JSON object",
                "'{\"width\":128,\"height\":128,\"steps\":2,\"refiner\":{\"switch_at\":0.5}}' | refiner.switch_at: this server cannot do that; leave it out",
            })
    void badInputIsNamed(String body, String message) {
        HttpResponse<String> response = server.post("/v3/async/txt2img", body);
        assertThat(response.statusCode()).isEqualTo(400);
        JsonNode problem = json(response);
        assertThat(problem.get("code").intValue()).isEqualTo(400);
        assertThat(problem.get("reason").stringValue()).isEqualTo("INVALID_REQUEST_BODY");
        assertThat(problem.get("message").stringValue()).isEqualTo(message);
        assertThat(problem.get("metadata").isObject()).isTrue();
    }

    @Test
    void unknownNamesAreNamed() {
        String sizes = "\"width\":128,\"height\":128,\"steps\":2,\"prompt\":\"x\"";
        assertThat(json(server.post(
                                "/v3/async/txt2img",
                                "{%s,\"model_name\":\"nope\",\"sampler_name\":\"Euler\"}".formatted(sizes)))
                        .get("message")
                        .stringValue())
                .startsWith("model_name: there is no model \"nope\"");
        assertThat(json(server.post("/v2/txt2img", "{\"prompt\":\"x\",\"model_name\":\"nope\"}"))
                        .get("code")
                        .intValue())
                .isEqualTo(2);
        assertThat(json(server.post("/v2/txt2img", "{\"prompt\":\"x\",\"sampler_name\":\"nope\"}"))
                        .get("code")
                        .intValue())
                .isEqualTo(8);
        assertThat(json(server.post("/v2/txt2img", "{\"prompt\":\"<lora:nope:1> x\"}"))
                        .get("msg")
                        .stringValue())
                .isEqualTo("prompt: there is no LoRA \"nope\"");
    }

    @Test
    void whatIsNotThereSaysSo() {
        assertThat(server.get("/v3/async/task-result?task_id=x").statusCode()).isEqualTo(404);
        assertThat(json(server.get("/v3/async/task-result?task_id=x"))
                        .get("reason")
                        .stringValue())
                .isEqualTo("TASK_NOT_FOUND");
        assertThat(json(server.post("/v3/merge-face", "{}")).get("reason").stringValue())
                .isEqualTo("API_NOT_FOUND");
        // what the AUTOMATIC1111 plugin asks to test a key
        HttpResponse<String> response = server.get("/v2/progress?task_id=sd-webui-test");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(json(response).get("code").intValue()).isEqualTo(3);
        assertThat(json(response).get("data").isNull()).isTrue();
    }

    @Test
    void testModeDrawsNothing() {
        for (String status : new String[] {"TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"}) {
            String id = ok(server.post("/v3/async/txt2img", """
                    {"extra":{"webhook":{"test_mode":{"enabled":true,"return_task_status":"%s"}}},
                     "request":{%s,"width":128,"height":128}}
                    """.formatted(status, common())))
                    .get("task_id")
                    .stringValue();
            JsonNode result = ok(server.get("/v3/async/task-result?task_id=" + id));
            assertThat(result.at("/task/status").stringValue()).isEqualTo(status);
            assertThat(result.get("images")).isEmpty();
        }
    }

    @Test
    void version2AsThePythonClientSendsIt() throws IOException {
        JsonNode data = version2("/v2/txt2img", """
                {%s,"negative_prompt":null,"batch_size":2,"n_iter":1,"cfg_scale":7,"height":128,"width":128,
                 "restore_faces":false,"sd_vae":null,"clip_skip":1,"controlnet_units":null,"controlnet_no_detectmap":false,
                 "enable_hr":true,"hr_upscaler":"R-ESRGAN 4x+","hr_scale":2.0,"hr_resize_x":192,"hr_resize_y":192,
                 "img_expire_ttl":60,"sd_refiner":null}
                """.formatted(common()));
        assertThat(data.get("eta_relative").intValue()).isZero();
        assertThat(data.get("imgs")).hasSize(2);
        assertThat(data.get("submit_time").stringValue()).matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d");
        byte[] png = download(data.at("/imgs/1").stringValue()).body();
        assertThat(ImageFile.read(new ByteArrayInputStream(png).readAllBytes()).getWidth())
                .isEqualTo(192);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "filter.types=checkpoint&pagination.limit=100&pagination.cursor=c_0",
                "filter%5Btypes%5D=checkpoint&pagination%5Blimit%5D=100&pagination%5Bcursor%5D=c_0",
                "filter.type=checkpoint&filter.is_inpainting=False&pagination.cursor=c_c_0&pagination.limit=100",
            })
    void modelsAreListedHoweverTheQueryIsSpelled(String query) {
        JsonNode list = ok(server.get("/v3/model?" + query));
        assertThat(list.get("models")).hasSize(1);
        assertThat(list.at("/models/0/type/name").stringValue()).isEqualTo("checkpoint");
        assertThat(list.at("/models/0/status").intValue()).isEqualTo(1);
        assertThat(list.at("/pagination/next_cursor").stringValue()).isEmpty();
    }

    @Test
    void listsEnd() {
        assertThat(ok(server.get("/v3/model?pagination.cursor=c_100")).get("models"))
                .isEmpty();
        assertThat(ok(server.get("/v3/model?filter.types=lora")).get("models")).isEmpty();
        assertThat(server.get("/v3/model?pagination.cursor=x").statusCode()).isEqualTo(400);
        assertThat(ok(server.get("/v2/models")).at("/data/models")).hasSize(1);
        assertThat(ok(server.get("/v2/models?type=vae")).at("/data/models")).isEmpty();
    }
}
