package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddingTest {
    @TempDir
    private Path folder;

    private static Tensor counting(long... sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = new float[(int) shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(values));
    }

    private Embedding open(Map<String, Tensor> tensors) {
        Path file = folder.resolve("bad-hands-5.v2.safetensors");
        Checkpoint.of(List.of(), tensors, Map.of()).writeTo(file, Progress.NONE);
        return Embedding.open(file);
    }

    @ParameterizedTest
    @ValueSource(strings = {"emb_params", "string_to_param.*", "<a-cat>"})
    void aSingleTensorIsTheVectorsWhateverItsName(String name) {
        Embedding embedding = open(Map.of(name, counting(3, 768)));
        assertThat(embedding.vectors()).isEqualTo(3);
        assertThat(embedding.widths()).containsExactly(768);
        assertThat(embedding.parts().getFirst().values()).startsWith(0, 1, 2).endsWith(3 * 768 - 1);
    }

    @Test
    void itIsCalledAsItsFileIsAndKnownByTheFilesHash() {
        Embedding embedding = open(Map.of("x", counting(1024)));
        assertThat(embedding.name()).isEqualTo("bad-hands-5.v2");
        assertThat(embedding.hash())
                .isEqualTo(FileHash.sha256(folder.resolve("bad-hands-5.v2.safetensors"), Progress.NONE)
                        .substring(0, 12));
        assertThat(embedding.vectors()).isEqualTo(1);
    }

    @Test
    void sdxlHasAPartForEachEncoder() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("clip_g", counting(2, 1280));
        tensors.put("clip_l", counting(2, 768));
        assertThat(open(tensors).widths()).containsExactly(768, 1280);
        tensors.put("clip_l", counting(3, 768));
        assertThatThrownBy(() -> open(tensors))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("equally many");
    }

    @Test
    void whatIsNoListOfVectorsIsRefused() {
        for (Map<String, Tensor> wrong : List.of(
                Map.of("x", counting(76, 8)),
                Map.of("x", counting(2, 2, 8)),
                Map.of("x", counting(1, 8).to(DType.F32), "y", counting(1, 8)))) {
            assertThatThrownBy(() -> open(wrong)).isInstanceOf(InvalidCheckpointException.class);
        }
    }
}
