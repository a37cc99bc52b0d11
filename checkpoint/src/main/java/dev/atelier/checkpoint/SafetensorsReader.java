package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_NAME;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.DUPLICATE_NAME;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.HEADER_BEYOND_FILE;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.HEADER_NOT_JSON;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.HEADER_NOT_UTF8;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.HEADER_TOO_LARGE;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.HEADER_TOO_SMALL;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.INCOMPLETE_BUFFER;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.INVALID_OFFSET;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.MISALIGNED;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.SIZE_MISMATCH;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.SIZE_OVERFLOW;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.TOO_MANY_TENSORS;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_DTYPE;
import static dev.atelier.checkpoint.InvalidCheckpointException.shortened;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/**
 * The safetensors container.
 *
 * <pre>
 * File   --> N, Header, Data
 * N      --> u64, little-endian: bytes of the header, at most 100 000 000
 * Header --> JSON object, UTF-8: name -> {"dtype", "shape", "data_offsets": [begin, end)}, and "__metadata__"
 * Data   --> the tensors' bytes, contiguous from 0: no gap, no overlap, nothing behind
 * </pre>
 *
 * {@link #read} is the only door: what it returns has passed every check of the reference reader (Hugging Face
 * safetensors, {@code tensor.rs}) and, because files come from strangers, refuses duplicate names as well (parsers that
 * keep the first and parsers that keep the last would see different tensors) and bounds what a header can make us build.
 */
final class SafetensorsReader {
    static final String METADATA = "__metadata__";
    static final long MAX_HEADER = 100_000_000;

    static final int MAX_TENSORS = 100_000;
    static final int MAX_RANK = 8;
    private static final int MAX_NAME = 1_000;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(128)
                    .maxStringLength((int) MAX_HEADER)
                    .build())
            .build();

    private final MappedFile file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    /** One header entry as written: begin and end are relative to the data. */
    private record Entry(DType dtype, Shape shape, long begin, long end) {}

    private SafetensorsReader(MappedFile file) {
        this.file = file;
    }

    static Checkpoint read(MappedFile file) {
        return new SafetensorsReader(file).read();
    }

    private Checkpoint read() {
        if (file.size() < 8) {
            throw invalid(
                    HEADER_TOO_SMALL, "the file has %d bytes, too few for a safetensors header".formatted(file.size()));
        }
        long length = file.u64(0);
        if (length < 0 || length > MAX_HEADER) {
            throw invalid(
                    HEADER_TOO_LARGE,
                    "the header claims %s bytes, more than the %d that safetensors allows; it is not a safetensors file"
                            .formatted(Long.toUnsignedString(length), MAX_HEADER));
        }
        if (8 + length > file.size()) {
            throw invalid(
                    HEADER_BEYOND_FILE,
                    "the header claims %d bytes but the file ends after %d; it is truncated"
                            .formatted(length, file.size()));
        }
        parseHeader(length);
        MemorySegment data = file.bytes().asSlice(8 + length);
        checkCoverage(data.byteSize());

        Map<String, Tensor> tensors = new LinkedHashMap<>();
        inFileOrder().forEach(named -> {
            Entry entry = named.getValue();
            MemorySegment bytes = data.asSlice(entry.begin, entry.end - entry.begin);
            tensors.put(named.getKey(), new StoredTensor(entry.dtype, entry.shape, bytes));
        });
        return Checkpoint.of(List.of(file.path()), tensors, metadata);
    }

    private List<Map.Entry<String, Entry>> inFileOrder() {
        List<Map.Entry<String, Entry>> sorted = new ArrayList<>(entries.entrySet());
        sorted.sort(Comparator.comparingLong((Map.Entry<String, Entry> named) -> named.getValue().begin)
                .thenComparingLong(named -> named.getValue().end));
        return sorted;
    }

    private void checkCoverage(long available) {
        long expected = 0;
        for (Map.Entry<String, Entry> named : inFileOrder()) {
            String name = named.getKey();
            Entry entry = named.getValue();
            if (entry.begin != expected || entry.end < entry.begin) {
                throw invalid(
                        INVALID_OFFSET,
                        "tensor \"%s\" has data_offsets [%d, %d], but byte %d must come next: %s"
                                .formatted(
                                        name,
                                        entry.begin,
                                        entry.end,
                                        expected,
                                        entry.end < entry.begin
                                                ? "its end lies before its begin"
                                                : entry.begin < expected
                                                        ? "it overlaps another tensor"
                                                        : "it leaves a gap"));
            }
            checkSize(name, entry);
            expected = entry.end;
        }
        if (expected != available) {
            throw invalid(
                    INCOMPLETE_BUFFER,
                    expected > available
                            ? "the tensors need %d bytes of data but the file holds %d; it is truncated"
                                    .formatted(expected, available)
                            : "%d bytes follow the last tensor, where the file should end"
                                    .formatted(available - expected));
        }
    }

    private void checkSize(String name, Entry entry) {
        long elements;
        long bits;
        try {
            elements = entry.shape.elements();
            bits = Math.multiplyExact(elements, (long) entry.dtype.bits());
        } catch (ArithmeticException _) {
            throw invalid(
                    SIZE_OVERFLOW, "tensor \"%s\" has the shape %s, whose size overflows".formatted(name, entry.shape));
        }
        if (bits % 8 != 0) {
            throw invalid(
                    MISALIGNED,
                    "tensor \"%s\": %d elements of %s do not fill whole bytes".formatted(name, elements, entry.dtype));
        }
        if (bits / 8 != entry.end - entry.begin) {
            throw invalid(
                    SIZE_MISMATCH,
                    "tensor \"%s\" of %s %s needs %d bytes, but its data_offsets span %d"
                            .formatted(name, entry.dtype, entry.shape, bits / 8, entry.end - entry.begin));
        }
    }

    private void parseHeader(long length) {
        // Decoded and parsed as a stream: a 100 MB header never lies in memory as a whole.
        var utf8 = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        var bytes = new SegmentInputStream(file.bytes().asSlice(8, length));
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), new InputStreamReader(bytes, utf8))) {
            expect(json, json.nextToken(), JsonToken.START_OBJECT, "the header");
            for (String name = json.nextName(); name != null; name = json.nextName()) {
                parseMember(json, name);
            }
            if (json.nextToken() != null) {
                throw invalid(HEADER_NOT_JSON, "the header goes on after its closing brace");
            }
        } catch (JacksonException e) {
            if (e.getCause() instanceof CharacterCodingException) {
                throw new InvalidCheckpointException(file.path(), HEADER_NOT_UTF8, "the header is not valid UTF-8", e);
            }
            throw new InvalidCheckpointException(
                    file.path(), HEADER_NOT_JSON, "the header is not valid JSON: " + e.getOriginalMessage(), e);
        }
    }

    private boolean metadataSeen;

    private void parseMember(JsonParser json, String name) {
        if (name.equals(METADATA)) {
            if (metadataSeen) {
                throw invalid(DUPLICATE_NAME, "the header has two \"__metadata__\" members");
            }
            metadataSeen = true;
            parseMetadata(json);
            return;
        }
        requireName(file.path(), name);
        if (entries.size() == MAX_TENSORS) {
            throw invalid(TOO_MANY_TENSORS, "the header lists more than %d tensors".formatted(MAX_TENSORS));
        }
        if (entries.put(name, parseEntry(json, name)) != null) {
            throw invalid(DUPLICATE_NAME, "the tensor \"%s\" is listed twice".formatted(name));
        }
    }

    private void parseMetadata(JsonParser json) {
        JsonToken start = json.nextToken();
        if (start == JsonToken.VALUE_NULL) {
            return;
        }
        expect(json, start, JsonToken.START_OBJECT, "__metadata__");
        for (String key = json.nextName(); key != null; key = json.nextName()) {
            expect(
                    json,
                    json.nextToken(),
                    JsonToken.VALUE_STRING,
                    "the metadata entry \"%s\"".formatted(shortened(key)));
            if (!StandardCharsets.UTF_8.newEncoder().canEncode(json.getString())) {
                throw invalid(
                        HEADER_NOT_JSON, "the metadata entry \"%s\" holds half a character".formatted(shortened(key)));
            }
            if (metadata.size() == MAX_TENSORS) {
                throw invalid(HEADER_TOO_LARGE, "the metadata has more than %d entries".formatted(MAX_TENSORS));
            }
            if (metadata.put(key, json.getString()) != null) {
                throw invalid(DUPLICATE_NAME, "the metadata entry \"%s\" is listed twice".formatted(shortened(key)));
            }
        }
    }

    private Entry parseEntry(JsonParser json, String name) {
        String what = "tensor \"" + name + "\""; // once for each tensor, where format() would take long
        expect(json, json.nextToken(), JsonToken.START_OBJECT, what);
        DType dtype = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        for (String field = json.nextName(); field != null; field = json.nextName()) {
            switch (field) {
                case "dtype" -> {
                    unseen(dtype, what, field);
                    expect(json, json.nextToken(), JsonToken.VALUE_STRING, what + ": dtype");
                    String spelled = json.getString();
                    dtype = DType.named(spelled)
                            .orElseThrow(() -> invalid(
                                    UNKNOWN_DTYPE,
                                    "%s has the unknown dtype \"%s\"".formatted(what, shortened(spelled))));
                }
                case "shape" -> {
                    unseen(shape, what, field);
                    shape = parseSizes(json, what + ": shape", MAX_RANK);
                }
                case "data_offsets" -> {
                    unseen(offsets, what, field);
                    offsets = parseSizes(json, what + ": data_offsets", 2);
                }
                default -> {
                    json.nextToken();
                    json.skipChildren();
                }
            }
        }
        if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
            throw invalid(HEADER_NOT_JSON, what + " lacks one of dtype, shape and data_offsets [begin, end]");
        }
        long[] sizes = shape.stream().mapToLong(Long::longValue).toArray();
        return new Entry(dtype, Shape.of(sizes), offsets.getFirst(), offsets.getLast());
    }

    private void unseen(@Nullable Object value, String what, String field) {
        if (value != null) {
            throw invalid(DUPLICATE_NAME, "%s has two \"%s\" fields".formatted(what, field));
        }
    }

    private List<Long> parseSizes(JsonParser json, String what, int limit) {
        expect(json, json.nextToken(), JsonToken.START_ARRAY, what);
        List<Long> sizes = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
                    || json.getString().startsWith("-")) {
                throw invalid(
                        HEADER_NOT_JSON,
                        "%s must hold non-negative integers, not \"%s\"".formatted(what, shortened(json.getString())));
            }
            if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                throw invalid(
                        SIZE_OVERFLOW, "%s holds %s, which is too large".formatted(what, shortened(json.getString())));
            }
            if (sizes.size() == limit) {
                throw invalid(HEADER_NOT_JSON, "%s has more than %d elements".formatted(what, limit));
            }
            sizes.add(json.getLongValue());
        }
        return Collections.unmodifiableList(sizes);
    }

    private void expect(JsonParser json, @Nullable JsonToken actual, JsonToken expected, String what) {
        if (actual != expected) {
            String found = actual == null ? "the end of the header" : "\"" + shortened(json.getString()) + "\"";
            throw invalid(HEADER_NOT_JSON, "%s should be a JSON %s, not %s".formatted(what, spoken(expected), found));
        }
    }

    private static String spoken(JsonToken token) {
        return switch (token) {
            case START_OBJECT -> "object";
            case START_ARRAY -> "array";
            default -> "string";
        };
    }

    /** What a tensor may be called, in a checkpoint of any format: it must be possible to write and to read it again. */
    static void requireName(Path file, String name) {
        if (name.isEmpty()
                || name.length() > MAX_NAME
                || name.equals(METADATA)
                || name.chars().anyMatch(Character::isISOControl)) {
            throw new InvalidCheckpointException(
                    file,
                    BAD_NAME,
                    "a tensor's name is empty, reserved, longer than %d, or holds control characters: \"%s\""
                            .formatted(MAX_NAME, shortened(name)));
        }
    }

    private InvalidCheckpointException invalid(Reason reason, String problem) {
        return new InvalidCheckpointException(file.path(), reason, problem);
    }

    static boolean looksLike(MappedFile file) {
        if (file.size() < 8) {
            return false;
        }
        long length = file.u64(0);
        return length >= 0 && length <= MAX_HEADER && file.size() > 8 && "{ \t\r\n".indexOf(file.u8(8)) >= 0;
    }

    static boolean hasSafetensorsName(Path path) {
        return path.getFileName().toString().toLowerCase(java.util.Locale.ROOT).endsWith(".safetensors");
    }
}
