package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsMetadataTest {
    @TempDir
    Path folder;

    /** In an order that our own writer would not choose: by name descending, the narrow type first. */
    private static final String ENTRIES =
            SafetensorsBytes.entry("z", "U8", "[8]", 0, 8) + "," + SafetensorsBytes.entry("a", "F32", "[4]", 8, 24);

    @Test
    void theDataAndItsOrderStayAsTheyWere() {
        Path before = file("before.safetensors");
        Path after = folder.resolve("after.safetensors");
        SafetensorsMetadata.rewrite(before, after, Map.of("title", "über \"alles\""), Progress.NONE);
        Checkpoint read = Checkpoints.open(after);
        assertThat(read.metadata()).isEqualTo(Map.of("title", "über \"alles\""));
        assertThat(List.copyOf(read.tensors().keySet())).containsExactly("z", "a");
        assertThat(FileHashes.of(after, Progress.NONE).dataSha256())
                .isEqualTo(FileHashes.of(before, Progress.NONE).dataSha256());
    }

    @Test
    void inPlaceTheFileIsReplacedAtOnceOrNotAtAll() throws IOException {
        Path file = file("model.safetensors");
        byte[] before = Files.readAllBytes(file);
        assertThatThrownBy(() -> SafetensorsMetadata.rewrite(file, file, Map.of("a", "b"), (done, all) -> {
                    throw new CancellationException("stopped");
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(file).hasBinaryContent(before);
        assertThat(folder).isDirectoryNotContaining("glob:**.part");

        SafetensorsMetadata.rewrite(file, file, Map.of("a", "b"), Progress.NONE);
        assertThat(Checkpoints.open(file).metadata()).isEqualTo(Map.of("a", "b"));
    }

    @Test
    void otherFormatsAreRefused() {
        assertThatThrownBy(() -> SafetensorsMetadata.rewrite(
                        Fixtures.path("views.ckpt"), folder.resolve("new"), Map.of(), Progress.NONE))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("only safetensors files have metadata");
    }

    private Path file(String name) {
        return SafetensorsBytes.in(
                folder,
                name,
                SafetensorsBytes.file("{\"__metadata__\":{\"format\":\"pt\"},%s}".formatted(ENTRIES), 24));
    }
}
