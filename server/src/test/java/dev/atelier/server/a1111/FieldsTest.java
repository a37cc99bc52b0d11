package dev.atelier.server.a1111;

import static dev.atelier.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.PngFile;
import dev.atelier.model.DemoModel;
import dev.atelier.server.TestServer;
import dev.atelier.server.db.Json;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Every field of AUTOMATIC1111's requests: that it is there, with its default, and does what the documents say. */
class FieldsTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "a1111.md");
    private static final Map<String, FieldList> LISTS = Map.of(
            "txt2img", Requests.TXT2IMG,
            "img2img", Requests.IMG2IMG,
            "extra-single-image", Requests.EXTRAS_SINGLE,
            "extra-batch-images", Requests.EXTRAS_BATCH);
    private static final String DRAWING =
            "\"prompt\": \"a cat\", \"seed\": 1, \"subseed\": 1, \"steps\": 1, \"width\": 64, \"height\": 64";
    private static final Map<String, String> BASES = Map.of(
            "txt2img",
            DRAWING,
            "img2img",
            DRAWING + ", \"init_images\": [\"PICTURE\"]",
            "extra-single-image",
            "\"image\": \"PICTURE\", \"upscaler_1\": \"Lanczos\"",
            "extra-batch-images",
            "\"imageList\": [{\"name\": \"a\", \"data\": \"PICTURE\"}]");

    @TempDir
    static Path folder;

    private static TestServer server;

    /** A line of {@code fields.txt}. */
    record Line(String request, String name, String type, String standard, String value, String with) {
        static Line of(String text) {
            String[] cells = text.split("\\|", -1);
            return new Line(
                    cells[0].strip(),
                    cells[1].strip(),
                    cells[2].strip(),
                    cells[3].strip(),
                    cells[4].strip(),
                    cells[5].strip());
        }

        Field field() {
            return LISTS.get(request).fields().stream()
                    .filter(field -> field.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no such field"));
        }

        @Override
        public String toString() {
            return request + "." + name;
        }
    }

    static List<Line> lines() throws IOException {
        return Files.readAllLines(Path.of("src/test/resources/a1111/fields.txt")).stream()
                .filter(text -> !text.startsWith("#"))
                .map(Line::of)
                .toList();
    }

    @BeforeAll
    static void start() throws IOException {
        Path models = Files.createDirectories(folder.resolve("models"));
        Files.move(DemoModel.unpack(folder), models.resolve("another.safetensors"));
        Files.writeString(models.resolve("styles.csv"), "name,prompt,negative_prompt\nbright,bright colours,\n");
        server = TestServer.start(folder, null);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @MethodSource("lines")
    void aFieldHasItsTypeAndDefault(Line line) {
        Field field = line.field();
        assertThat(field.type().jsonName()).isEqualTo(line.type);
        assertThat(field.isRequired()).isEqualTo(line.standard.isEmpty());
        if (!field.isRequired()) {
            assertThat(Json.MAPPER.writeValueAsString(field.standard())).isEqualTo(line.standard);
        }
    }

    @Test
    void noFieldIsMissedAndNoneIsOurs() throws IOException {
        Set<String> known = new HashSet<>();
        for (Line line : lines()) {
            known.add(line.name);
        }
        assertThat(LISTS.values().stream()
                        .flatMap(list -> list.fields().stream())
                        .map(Field::name))
                .allMatch(known::contains);
    }

    @ParameterizedTest
    @MethodSource("lines")
    void aFieldDoesWhatIsSaidOfIt(Line line) throws IOException {
        assumeThat(line.name.equals("alwayson_scripts")).isFalse(); // NetworksTest has a net for it
        ObjectNode request = object(BASES.get(line.request)).setAll(object(line.with));
        String without = request.toString();
        request.set(line.name, Json.MAPPER.readTree(filled(line.value)));
        switch (line.field().effect()) {
            case OBEYED -> assertThat(seen(line, without)).isNotEqualTo(seen(line, request.toString()));
            case IGNORED -> assertThat(seen(line, without)).isEqualTo(seen(line, request.toString()));
            case REFUSED ->
                assertThat(post(line, request.toString()).statusCode()).isEqualTo(422);
        }
    }

    private static ObjectNode object(String members) throws IOException {
        return (ObjectNode) Json.MAPPER.readTree("{" + filled(members) + "}");
    }

    private static String filled(String template) throws IOException {
        return template.replace("LAST_MODEL", model(1))
                .replace("MODEL", model(0))
                .replace("PICTURE", picture(0x336699))
                .replace("OTHER", picture(0x996633));
    }

    private static String model(int index) {
        return json(server.get("/sdapi/v1/sd-models"))
                .get(index)
                .get("model_name")
                .stringValue();
    }

    private static String picture(int rgb) throws IOException {
        BufferedImage image = new BufferedImage(16, 24, BufferedImage.TYPE_INT_RGB);
        image.setRGB(3, 4, rgb);
        return Base64.getEncoder().encodeToString(PngFile.encode(new GeneratedImage(image, 0, "")));
    }

    private static HttpResponse<String> post(Line line, String body) {
        return server.post("/sdapi/v1/" + line.request, body);
    }

    /** What comes of a request: the job that it makes, and what else a client can see. */
    private static String seen(Line line, String body) {
        HttpResponse<String> response = post(line, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        if (line.request.startsWith("extra")) {
            return response.body();
        }
        JsonNode task = json(server.get("/api/v1/jobs?limit=1")).at("/jobs/0/request");
        JsonNode answer = json(response);
        String seen = task.toString().replaceAll("inputs/[0-9a-f-]+", "")
                + answer.get("images").size()
                + answer.at("/parameters/init_images").isNull()
                + json(server.get("/sdapi/v1/options")).get("CLIP_stop_at_last_layers")
                + json(server.post("/internal/progress", "{\"id_task\": \"mine\"}"))
                        .get("completed");
        server.post("/sdapi/v1/options", "{\"CLIP_stop_at_last_layers\": 1}");
        return seen;
    }

    @Test
    void theTableOfTheDocumentIsTrue() throws IOException {
        String document = Files.readString(DOCUMENT);
        assertThat(document).as("docs/a1111.md should hold this table").contains(table());
    }

    private static String table() throws IOException {
        List<String> rows = new ArrayList<>(List.of("| request | field | default | |", "|---|---|---|---|"));
        for (Line line : lines()) {
            Field field = line.field();
            String effect = field.effect().name().toLowerCase(Locale.ROOT);
            rows.add("| %s | `%s` | %s | %s |"
                    .formatted(
                            line.request,
                            line.name,
                            field.isRequired() ? "required" : "`" + line.standard + "`",
                            field.note().isEmpty() ? effect : effect + ": " + field.note()));
        }
        return String.join("\n", rows) + "\n";
    }
}
