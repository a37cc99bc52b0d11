package dev.atelier.merge;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Builds a small safetensors file tensor by tensor. */
public final class ModelFile {
    public static final String UNET = "model.diffusion_model.";

    private final List<String> members = new ArrayList<>();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    public ModelFile metadata(String... keysAndValues) {
        List<String> entries = new ArrayList<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            entries.add("\"%s\":\"%s\"".formatted(keysAndValues[i], keysAndValues[i + 1]));
        }
        members.add("\"__metadata__\":{%s}".formatted(String.join(",", entries)));
        return this;
    }

    /** An F32 tensor of one axis. */
    public ModelFile floats(String name, float... values) {
        return floats(name, Shape.of(values.length), values);
    }

    public ModelFile floats(String name, Shape shape, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return tensor(name, DType.F32, shape, bytes.array());
    }

    /** A tensor of zeros. */
    public ModelFile zeros(String name, DType dtype, long... sizes) {
        Shape shape = Shape.of(sizes);
        return tensor(name, dtype, shape, new byte[(int) dtype.bytes(shape.elements())]);
    }

    public ModelFile tensor(String name, DType dtype, Shape shape, byte[] bytes) {
        int begin = data.size();
        data.writeBytes(bytes);
        members.add("\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                .formatted(name, dtype, shape, begin, data.size()));
        return this;
    }

    public Checkpoint in(Path folder, String name) {
        byte[] header =
                members.stream().collect(Collectors.joining(",", "{", "}")).getBytes(StandardCharsets.UTF_8);
        byte[] file = ByteBuffer.allocate(8 + header.length + data.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .put(data.toByteArray())
                .array();
        try {
            return Checkpoints.open(Files.write(folder.resolve(name), file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
