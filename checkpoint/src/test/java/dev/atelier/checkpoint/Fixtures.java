package dev.atelier.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** The files beside this class in the test resources; their README says how each was made. */
final class Fixtures {
    private Fixtures() {}

    static Path path(String name) {
        try {
            return Path.of(Fixtures.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** A checkpoint with the names and shapes of a published model, its tensors all F16 and without content. */
    static Checkpoint model(String name) {
        try (InputStream zipped = Fixtures.class.getResourceAsStream("keys-" + name + ".json.gz");
                InputStream keys = new GZIPInputStream(zipped)) {
            Map<String, long[]> shapes =
                    JsonMapper.shared().readValue(keys, new TypeReference<LinkedHashMap<String, long[]>>() {});
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            shapes.forEach((key, shape) -> tensors.put(key, outline(shape)));
            return Checkpoint.of(List.of(Path.of(name)), tensors, Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A tensor that has a shape and nothing else. */
    static Tensor outline(long... shape) {
        return new ComputedTensor(DType.F16, Shape.of(shape)) {
            @Override
            protected void compute(long first, float[] target, int count) {
                throw new AssertionError("telling what a model is must read no weights");
            }

            @Override
            protected void compute(long first, double[] target, int count) {
                throw new AssertionError("telling what a model is must read no weights");
            }
        };
    }
}
