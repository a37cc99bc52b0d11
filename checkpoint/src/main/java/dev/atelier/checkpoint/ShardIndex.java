package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_INDEX;
import static dev.atelier.checkpoint.InvalidCheckpointException.shortened;

import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * A checkpoint in several files: {@code NAME.safetensors.index.json} says in its {@code weight_map} which shard, a file in
 * the same folder, holds which tensor.
 */
final class ShardIndex {
    /** Variants put a word in: {@code NAME.safetensors.index.fp16.json}. */
    private static final Pattern NAME = Pattern.compile(".+\\.index(\\.[A-Za-z0-9_]+)?\\.json");

    private static final long MAX_BYTES = 100_000_000;

    private final Path index;
    private final Map<String, String> shardByTensor = new LinkedHashMap<>();

    private ShardIndex(Path index) {
        this.index = index;
    }

    static boolean looksLike(Path file) {
        return NAME.matcher(file.getFileName().toString()).matches();
    }

    static Checkpoint read(MappedFile file) {
        ShardIndex index = new ShardIndex(file.path());
        index.parse(file);
        return index.open();
    }

    private Checkpoint open() {
        Set<String> shards = new LinkedHashSet<>(shardByTensor.values());
        List<Path> sources = new ArrayList<>(List.of(index));
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (String shard : shards) {
            Checkpoint part = Checkpoints.open(index.resolveSibling(shard));
            sources.addAll(part.sources());
            metadata.putAll(part.metadata());
            part.tensors().forEach((name, tensor) -> {
                if (!shard.equals(shardByTensor.get(name))) {
                    throw invalid(
                            "the shard %s holds the tensor \"%s\", which is not listed there".formatted(shard, name));
                }
                tensors.put(name, tensor);
            });
        }
        for (Map.Entry<String, String> listed : shardByTensor.entrySet()) {
            if (!tensors.containsKey(listed.getKey())) {
                throw invalid(
                        "the tensor \"%s\" is missing from its shard %s".formatted(listed.getKey(), listed.getValue()));
            }
        }
        return Checkpoint.of(sources, tensors, metadata);
    }

    private void parse(MappedFile file) {
        if (file.size() > MAX_BYTES) {
            throw invalid("it has %d bytes, too many for an index".formatted(file.size()));
        }
        JsonFactory factory = JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build();
        try (JsonParser json = factory.createParser(
                ObjectReadContext.empty(),
                new InputStreamReader(new SegmentInputStream(file.bytes()), StandardCharsets.UTF_8))) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw invalid("it is not a JSON object");
            }
            for (String member = json.nextName(); member != null; member = json.nextName()) {
                JsonToken value = json.nextToken();
                if (member.equals("weight_map") && value == JsonToken.START_OBJECT) {
                    parseWeightMap(json);
                } else {
                    json.skipChildren();
                }
            }
        } catch (JacksonException e) {
            throw new InvalidCheckpointException(
                    index, BAD_INDEX, "it is not valid JSON: " + e.getOriginalMessage(), e);
        }
        if (shardByTensor.isEmpty()) {
            throw invalid("it has no weight_map");
        }
    }

    private void parseWeightMap(JsonParser json) {
        for (String name = json.nextName(); name != null; name = json.nextName()) {
            SafetensorsReader.requireName(index, name);
            String shard = json.nextToken() == JsonToken.VALUE_STRING ? json.getString() : "";
            // A plain name: an index from a stranger must not reach files outside its own folder.
            if (!shard.matches("[A-Za-z0-9_-][A-Za-z0-9._-]*") || looksLike(Path.of(shard))) {
                throw invalid("the shard of \"%s\" is called \"%s\", which is not a plain file name"
                        .formatted(name, shortened(shard)));
            }
            shardByTensor.put(name, shard);
        }
    }

    private InvalidCheckpointException invalid(String problem) {
        return new InvalidCheckpointException(index, BAD_INDEX, problem);
    }
}
