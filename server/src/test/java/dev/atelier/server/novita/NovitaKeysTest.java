package dev.atelier.server.novita;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.server.TestServer;
import dev.atelier.server.db.Database;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Limits;
import dev.atelier.server.key.Price;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** A server that has keys, and so wants one. */
class NovitaKeysTest {
    private static final String REQUEST = """
            {"request":{"model_name":"%s","prompt":"x","steps":1,"width":128,"height":128,"image_num":%d,
             "sampler_name":"Euler"}}
            """;

    @TempDir
    static Path folder;

    private static TestServer server;
    private static Database database;
    private static String rich;
    private static String poor;
    private static String slow;
    private static String model;

    @BeforeAll
    static void start() {
        server = TestServer.start(folder, null);
        database = Database.sqlite(folder.resolve("data/atelier.db"));
        ApiKeys keys = new ApiKeys(database);
        rich = keys.create("rich", 10 * Price.MINIMUM, Limits.NONE).secret();
        poor = keys.create("poor", Price.MINIMUM, Limits.NONE).secret();
        slow = keys.create("slow", null, new Limits(2, null)).secret();
        model = json(with("Authorization", rich, server.request("/v3/model")))
                .at("/models/0/sd_name")
                .stringValue();
    }

    @AfterAll
    static void stop() {
        database.close();
        server.close();
    }

    private static HttpResponse<String> with(String header, String value, HttpRequest.Builder request) {
        return server.send(request.header(header, value));
    }

    private static HttpResponse<String> draw(String key, int images) {
        return with(
                "Authorization",
                "Bearer " + key,
                server.request("/v3/async/txt2img").POST(BodyPublishers.ofString(REQUEST.formatted(model, images))));
    }

    @ParameterizedTest
    @CsvSource({
        "Authorization, ''",
        "Authorization, 'Bearer '",
        "Authorization, 'bearer  '",
        "X-Novita-Key, ''",
        "X-Omni-Key, ''"
    })
    void theKeyMayComeInAnyHeader(String header, String scheme) {
        assertThat(with(header, scheme + rich, server.request("/v3/user")).statusCode())
                .isEqualTo(200);
    }

    @Test
    void withoutAKeyNobodyIsLetIn() {
        assertThat(server.get("/v3/user").statusCode()).isEqualTo(400);
        assertThat(json(server.get("/v3/user")).get("reason").stringValue()).isEqualTo("MISSING_API_KEY");
        HttpResponse<String> wrong = with("Authorization", "Bearer NONE", server.request("/v3/user"));
        assertThat(wrong.statusCode()).isEqualTo(403);
        assertThat(json(wrong).get("reason").stringValue()).isEqualTo("INVALID_API_KEY");
        HttpResponse<String> old = with("X-Omni-Key", "NONE", server.request("/v2/progress?task_id=sd-webui-test"));
        assertThat(old.statusCode()).isEqualTo(200);
        assertThat(json(old).get("code").intValue()).isEqualTo(4);
        assertThat(json(old).get("data").isNull()).isTrue();
    }

    @Test
    void whatIsDrawnIsPaid() {
        String payer = new ApiKeys(database)
                .create("payer", 10 * Price.MINIMUM, Limits.NONE)
                .secret();
        assertThat(draw(payer, 2).statusCode()).isEqualTo(200);
        JsonBalance balance = new JsonBalance(payer);
        assertThat(balance.credit()).isEqualTo(8 * 15);
        assertThat(balance.available()).isEqualTo("120");
    }

    private record JsonBalance(String key) {
        int credit() {
            return json(with("Authorization", key, server.request("/v3/user")))
                    .get("credit_balance")
                    .intValue();
        }

        String available() {
            return json(with("Authorization", key, server.request("/openapi/v1/billing/balance/detail")))
                    .get("availableBalance")
                    .stringValue();
        }
    }

    @Test
    void whoCannotPayIsTold() {
        HttpResponse<String> response = draw(poor, 2);
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).get("reason").stringValue()).isEqualTo("BILLING_BALANCE_NOT_ENOUGH");
        assertThat(json(response).get("message").stringValue())
                .isEqualTo("the balance of this key is 0.001500 USD, and the request costs 0.003000 USD");
        HttpResponse<String> old = with(
                "X-Novita-Key",
                poor,
                server.request("/v2/txt2img")
                        .POST(BodyPublishers.ofString("{\"prompt\":\"x\",\"steps\":1,\"batch_size\":2}")));
        assertThat(json(old).get("code").intValue()).isEqualTo(7);
    }

    @Test
    void trainingsArePaid() throws Exception {
        String payer = new ApiKeys(database)
                .create("trainer", 10 * Price.MINIMUM, Limits.NONE)
                .secret();
        JsonNode slot = json(with(
                "Authorization",
                payer,
                server.request("/v3/assets/training_dataset")
                        .POST(BodyPublishers.ofString("{\"file_extension\": \"png\"}"))));
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB), "png", png);
        String url = slot.get("upload_url").stringValue();
        assertThat(server.send(server.request(url.substring(url.indexOf("/files/")))
                                .PUT(BodyPublishers.ofByteArray(png.toByteArray())))
                        .statusCode())
                .isEqualTo(200);
        String body = """
                {"name": "cat", "base_model": "%s", "width": 64, "height": 64,
                 "image_dataset_items": [{"assets_id": "%s"}],
                 "expert_setting": {"instance_prompt": "a cat", "max_train_steps": %d, "lora_r": 4}}
                """;
        String asset = slot.get("assets_id").stringValue();
        HttpResponse<String> cheap = with(
                "Authorization",
                payer,
                server.request("/v3/training/subject").POST(BodyPublishers.ofString(body.formatted(model, asset, 1))));
        assertThat(cheap.statusCode()).as(cheap.body()).isEqualTo(200);
        assertThat(new JsonBalance(payer).credit()).isEqualTo(9 * 15);
        HttpResponse<String> dear = with(
                "Authorization",
                payer,
                server.request("/v3/training/subject")
                        .POST(BodyPublishers.ofString(body.formatted(model, asset, 100_000))));
        assertThat(json(dear).get("reason").stringValue()).isEqualTo("BILLING_BALANCE_NOT_ENOUGH");
    }

    @Test
    void whoIsTooFastIsToldWhenToComeBack() {
        assertThat(draw(slow, 2).statusCode()).isEqualTo(200);
        HttpResponse<String> response = draw(slow, 1);
        assertThat(response.statusCode()).isEqualTo(429);
        assertThat(json(response).get("reason").stringValue()).isEqualTo("RATE_LIMIT_EXCEEDED");
        assertThat(Integer.parseInt(response.headers().firstValue("Retry-After").orElseThrow()))
                .isBetween(1, 61);
    }

    @Test
    void tasksOfOthersAreNotThere() {
        String id = json(draw(rich, 1)).get("task_id").stringValue();
        String path = "/v3/async/task-result?task_id=" + id;
        assertThat(with("Authorization", rich, server.request(path)).statusCode())
                .isEqualTo(200);
        assertThat(with("Authorization", poor, server.request(path)).statusCode())
                .isEqualTo(404);
    }
}
