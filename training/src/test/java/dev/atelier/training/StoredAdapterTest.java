package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.torch.Adapter;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of strangers, whose tensors may have any shape. */
class StoredAdapterTest {
    @ParameterizedTest
    @CsvSource({
        "LORA, lora_up.weight, lora_down.weight, 4x0, 0x4, lora_down.weight",
        "LORA, lora_up.weight, lora_down.weight, 4, 2x4, lora_up.weight",
        "LOKR, lokr_w1, lokr_w2, 4, 2x2, lokr_w1",
        "LOKR, lokr_w1, lokr_w2, 2x2, 0x2, lokr_w2",
    })
    void whatIsNoMatrixIsNamed(
            Adapter.Form form, String first, String second, String firstShape, String secondShape, String named) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("layer." + first, zeros(firstShape));
        tensors.put("layer." + second, zeros(secondShape));
        Checkpoint file = Checkpoint.of(List.of(), tensors, Map.of());
        assertThatThrownBy(() -> StoredAdapter.find(file, "layer", form))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("layer." + named + " is no matrix");
    }

    private static Tensor zeros(String sizes) {
        Shape shape =
                Shape.of(Stream.of(sizes.split("x")).mapToLong(Long::parseLong).toArray());
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(new float[(int) shape.elements()]));
    }
}
