package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    private static final Path SOURCE = Path.of("anime.safetensors");

    private static Checkpoint checkpoint() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("z", Bits.floats(1, 2));
        tensors.put("ids", Bits.tensor(DType.I64, Shape.of(1), new byte[8]));
        tensors.put("a", Bits.shorts(DType.F16, (short) 0x3C00));
        return Checkpoint.of(List.of(SOURCE), tensors, Map.of("format", "pt"));
    }

    @Test
    void aMissingTensorIsNamedWithItsFile() {
        assertThatExceptionOfType(InvalidCheckpointException.class)
                .isThrownBy(() -> checkpoint().tensor("b"))
                .withMessage("anime.safetensors: the tensor \"b\" is missing")
                .matches(e -> e.reason() == InvalidCheckpointException.Reason.MISSING_TENSOR);
        assertThat(checkpoint().find("b")).isEmpty();
        assertThat(checkpoint().has("a")).isTrue();
    }

    @Test
    void castingChangesFloatingTensorsOnly() {
        Checkpoint cast = checkpoint().cast(DType.F16);

        assertThat(cast.tensors().keySet()).containsExactly("z", "ids", "a");
        assertThat(Bits.shorts(cast.tensor("z"))).containsExactly((short) 0x3C00, (short) 0x4000);
        assertThat(cast.tensor("ids").dtype()).isEqualTo(DType.I64);
        assertThat(cast.tensor("a").dtype()).isEqualTo(DType.F16);
        assertThat(cast.byteSize()).isEqualTo(4 + 8 + 2);
        assertThat(checkpoint().byteSize()).isEqualTo(8 + 8 + 2);
    }

    @Test
    void filteringKeepsOrderMetadataAndSources() {
        Checkpoint filtered = checkpoint().filter(name -> name.length() == 1);

        assertThat(filtered.tensors().keySet()).containsExactly("z", "a");
        assertThat(filtered.metadata()).containsEntry("format", "pt");
        assertThat(filtered.sources()).containsExactly(SOURCE);
    }

    @Test
    void sourcesAreUnitedWithoutRepeats() {
        Checkpoint other = Checkpoint.of(List.of(Path.of("b"), SOURCE), Map.of(), Map.of());

        assertThat(checkpoint().withSourcesOf(other, other).sources()).containsExactly(SOURCE, Path.of("b"));
    }

    @Test
    void aCheckpointDoesNotChangeWithTheMapsItWasMadeOf() {
        Map<String, Tensor> tensors = new LinkedHashMap<>(Map.of("a", Bits.floats(1)));
        Checkpoint checkpoint = Checkpoint.of(List.of(), tensors, Map.of());
        tensors.clear();

        assertThat(checkpoint.tensors()).containsOnlyKeys("a");
        assertThatThrownBy(() -> checkpoint.tensors().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> checkpoint.metadata().put("a", "b")).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void aMissingFileIsAnInputOutputError(@TempDir Path folder) {
        Path missing = folder.resolve("missing.safetensors");

        assertThatThrownBy(() -> Checkpoints.open(missing))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(missing.toString());
    }

    @Test
    void theNumberOfElementsIsTheProductOfTheSizes() {
        assertThat(Shape.of().elements()).isEqualTo(1);
        assertThat(Shape.of(2, 3, 4).elements()).isEqualTo(24);
        assertThat(Shape.of(5, 0).elements()).isZero();
        assertThatExceptionOfType(ArithmeticException.class)
                .isThrownBy(() -> Shape.of(1L << 32, 1L << 32, 0).elements());
        assertThatIllegalArgumentException().isThrownBy(() -> Shape.of(2, -1)).withMessageContaining("[2, -1]");
    }

    @Test
    void shapesAreValues() {
        long[] sizes = {1, 2};
        Shape shape = Shape.of(sizes);
        sizes[0] = 7;
        shape.sizes()[1] = 7;

        assertThat(shape)
                .isEqualTo(Shape.of(1, 2))
                .hasSameHashCodeAs(Shape.of(1, 2))
                .hasToString("[1, 2]");
        assertThat(shape).isNotEqualTo(Shape.of(1, 2, 1));
    }

    @Test
    void packedElementsMustFillWholeBytes() {
        assertThat(DType.F4.bytes(2)).isEqualTo(1);
        assertThat(DType.F6_E2M3.bytes(4)).isEqualTo(3);
        assertThatExceptionOfType(ArithmeticException.class).isThrownBy(() -> DType.F4.bytes(3));
        assertThatExceptionOfType(ArithmeticException.class).isThrownBy(() -> DType.F64.bytes(1L << 58));
    }

    @Test
    void typesAreFoundByTheirSpellingInAHeader() {
        assertThat(DType.named("BF16")).contains(DType.BF16);
        assertThat(DType.named("bf16")).isEmpty();
    }
}
