package dev.atelier.catalog;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** Safetensors files that have names and sizes; their weights are holes in the file, which take no room. */
final class ModelFile {
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, Integer> tensors = new LinkedHashMap<>();

    static ModelFile lora(int elements) {
        return new ModelFile().tensor("lora_unet_mid_block.lora_down.weight", elements);
    }

    static ModelFile vae(int elements) {
        return new ModelFile().tensor("first_stage_model.decoder.conv_in.weight", elements);
    }

    ModelFile tensor(String name, int elements) {
        tensors.put(name, elements);
        return this;
    }

    ModelFile metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    Path in(Path folder, String name) {
        int end = 0;
        StringBuilder header = new StringBuilder("{\"__metadata__\":{")
                .append(metadata.entrySet().stream()
                        .map(entry -> "\"%s\":\"%s\"".formatted(entry.getKey(), entry.getValue()))
                        .collect(Collectors.joining(",")))
                .append("}");
        for (Map.Entry<String, Integer> tensor : tensors.entrySet()) {
            int begin = end;
            end += 2 * tensor.getValue();
            header.append(",\"%s\":{\"dtype\":\"F16\",\"shape\":[%d],\"data_offsets\":[%d,%d]}"
                    .formatted(tensor.getKey(), tensor.getValue(), begin, end));
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        Path file = folder.resolve(name);
        try {
            Files.createDirectories(file.getParent());
            try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
                out.setLength(0);
                out.write(ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(json.length)
                        .array());
                out.write(json);
                out.setLength(8L + json.length + end);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }
}
