package dev.atelier.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

class BucketsTest {
    @ParameterizedTest
    @CsvSource({
        "512_step64, 512, 256, 1024, 64",
        "512_step64_no_upscale, 512, 0, 0, 64",
        "768_step64, 768, 256, 1024, 64",
        "1024_step64_max2048, 1024, 256, 2048, 64",
        "1024_step32_no_upscale, 1024, 0, 0, 32"
    })
    void everyPictureGoesWhereKohyaPutsIt(String name, int side, int least, int most, int step) throws IOException {
        Buckets buckets =
                most == 0 ? Buckets.withoutEnlarging(side, side, step) : Buckets.of(side, side, least, most, step);
        JsonNode rows = examples().get(name).get("rows");
        assertThat(rows).hasSize(20);
        for (JsonNode row : rows) {
            Buckets.Placement placed = buckets.place(width(row, 0), height(row, 0));
            assertThat(placed)
                    .as("%s", row)
                    .isEqualTo(new Buckets.Placement(width(row, 1), height(row, 1), width(row, 2), height(row, 2)));
            assertThat((placed.resizedWidth() - placed.width()) / 2).isEqualTo(width(row, 3));
            assertThat((placed.resizedHeight() - placed.height()) / 2).isEqualTo(height(row, 3));
        }
    }

    @Test
    void theSizesAreKohyas() throws IOException {
        List<Buckets.Side> expected = StreamSupport.stream(
                        examples().get("512_step64").get("predefined").spliterator(), false)
                .map(size -> new Buckets.Side(size.get(0).asInt(), size.get(1).asInt()))
                .toList();
        assertThat(Buckets.of(512, 512, 256, 1024, 64).sizes()).isEqualTo(expected);
    }

    @Test
    void aResolutionOutsideTheSidesIsRefused() {
        assertThatThrownBy(() -> Buckets.of(512, 512, 640, 1024, 64)).hasMessageContaining("640");
        assertThatThrownBy(() -> Buckets.withoutEnlarging(512, 512, 64).place(40, 300))
                .hasMessageContaining("40 × 300");
    }

    private static JsonNode examples() throws IOException {
        try (InputStream stored = BucketsTest.class.getResourceAsStream("buckets.json")) {
            return new ObjectMapper().readTree(stored);
        }
    }

    private static int width(JsonNode row, int column) {
        return row.get(column).get(0).asInt();
    }

    private static int height(JsonNode row, int column) {
        return row.get(column).get(1).asInt();
    }
}
