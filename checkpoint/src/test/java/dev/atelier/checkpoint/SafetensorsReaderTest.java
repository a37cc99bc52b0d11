package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.Refusals.assertRefused;
import static dev.atelier.checkpoint.SafetensorsBytes.claiming;
import static dev.atelier.checkpoint.SafetensorsBytes.entry;
import static dev.atelier.checkpoint.SafetensorsBytes.file;
import static dev.atelier.checkpoint.SafetensorsBytes.in;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsReaderTest {
    /** The example of the format's own documentation: one tensor, F32 [1, 2, 3], values 0 to 5. */
    static final byte[] REFERENCE = HexFormat.of()
            .parseHex("4000000000000000"
                    + "7b226174746e2e30223a7b226474797065223a22463332222c227368617065223a5b312c322c335d2c"
                    + "22646174615f6f666673657473223a5b302c32345d7d7d"
                    + "000000000000803f0000004000004040000080400000a040");

    @TempDir
    Path folder;

    private Checkpoint open(byte[] bytes) {
        return Checkpoints.open(in(folder, bytes));
    }

    private Checkpoint open(String header, int dataBytes) {
        return open(file(header, dataBytes));
    }

    @Test
    void theReferenceVectorIsRead() {
        Checkpoint checkpoint = open(REFERENCE);

        assertThat(checkpoint.tensors()).containsOnlyKeys("attn.0");
        Tensor tensor = checkpoint.tensor("attn.0");
        assertThat(tensor.dtype()).isEqualTo(DType.F32);
        assertThat(tensor.shape()).isEqualTo(Shape.of(1, 2, 3));
        float[] values = new float[6];
        tensor.read(0, values, 6);
        assertThat(values).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(checkpoint.metadata()).isEmpty();
        assertThat(checkpoint.sources()).containsExactly(folder.resolve("model"));
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeIsRead(DType dtype) {
        int bytes = dtype.bits(); // of eight elements
        Checkpoint checkpoint = open("{" + entry("t", dtype.name(), "[2,4]", 0, bytes) + "}", bytes);

        Tensor tensor = checkpoint.tensor("t");
        assertThat(tensor.dtype()).isEqualTo(dtype);
        assertThat(Bits.of(tensor)).hasSize(bytes).startsWith(0, 1).endsWith(bytes - 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{}      ", "  {}", "\r\n\t {} \r\n\t", "{\"__metadata__\":{}}"})
    void aFileWithoutTensorsIsRead(String header) {
        assertThat(open(header, 0).tensors()).isEmpty();
    }

    @Test
    void scalarsAndEmptyTensorsAreRead() {
        Checkpoint checkpoint = open(
                "{" + entry("after", "F16", "[0,3]", 4, 4) + "," + entry("scalar", "F32", "[]", 0, 4) + ","
                        + entry("before", "F32", "[7,0]", 0, 0) + "}",
                4);

        assertThat(checkpoint.tensors().keySet()).containsExactly("before", "scalar", "after");
        assertThat(checkpoint.tensor("scalar").shape()).isEqualTo(Shape.of());
        assertThat(Bits.of(checkpoint.tensor("scalar"))).containsExactly(0, 1, 2, 3);
        assertThat(Bits.of(checkpoint.tensor("before"))).isEmpty();
        assertThat(checkpoint.tensor("after").shape()).isEqualTo(Shape.of(0, 3));
    }

    @Test
    void tensorsComeInTheOrderOfTheirBytes() {
        Checkpoint checkpoint = open(
                "{" + entry("a", "U8", "[1]", 2, 3) + "," + entry("b", "U8", "[1]", 0, 1) + ","
                        + entry("c", "U8", "[1]", 1, 2) + "}",
                3);

        assertThat(checkpoint.tensors().keySet()).containsExactly("b", "c", "a");
        assertThat(Bits.of(checkpoint.tensor("a"))).containsExactly(2);
    }

    @Test
    void tensorsNeedNotBeAligned() {
        Checkpoint checkpoint =
                open("{" + entry("a", "U8", "[1]", 0, 1) + "," + entry("b", "I64", "[1]", 1, 9) + "} ", 9);

        double[] value = new double[1];
        checkpoint.tensor("b").read(0, value, 1);
        assertThat(value[0]).isEqualTo(0x0807060504030201L);
    }

    @Test
    void metadataKeepsItsOrderAndItsEscapes() {
        Checkpoint checkpoint = open("""
                {"__metadata__": {"format": "pt", "quote\\"d": "line\\nbreak \\u00e9 \\ud83d\\ude00", "": ""}}""", 0);

        assertThat(checkpoint.metadata())
                .containsExactly(
                        java.util.Map.entry("format", "pt"),
                        java.util.Map.entry("quote\"d", "line\nbreak é 😀"),
                        java.util.Map.entry("", ""));
    }

    @Test
    void metadataMayBeNull() {
        assertThat(open("{\"__metadata__\":null," + entry("t", "U8", "[2]", 0, 2) + "}", 2)
                        .metadata())
                .isEmpty();
    }

    @Test
    void unknownFieldsOfATensorAreIgnored() {
        Checkpoint checkpoint = open("""
                {"t": {"note": {"deep": [1, -2.5e3, null, {"x": true}]}, "dtype": "U8", "shape": [2], \
                "data_offsets": [0, 2], "other": "…"}}""", 2);

        assertThat(Bits.of(checkpoint.tensor("t"))).containsExactly(0, 1);
    }

    @Test
    void namesMayHoldAnyLetters() {
        assertThat(open("{" + entry("Ünet/層.\\u00e9 \\\\ \\\" '", "U8", "[1]", 0, 1) + "}", 1)
                        .tensors())
                .containsOnlyKeys("Ünet/層.é \\ \" '");
    }

    @Test
    void aFormatIsRecognisedByItsContent() {
        assertThat(Checkpoints.open(in(folder, "model.ckpt", REFERENCE)).tensors())
                .containsOnlyKeys("attn.0");
    }

    @Test
    void aHundredThousandTensorsAreReadButNotOneMore() {
        assertThat(open(manyTensors(100_000), 0).tensors()).hasSize(100_000);
        assertRefused(in(folder, file(manyTensors(100_001), 0)), Reason.TOO_MANY_TENSORS, "100000");
    }

    private static String manyTensors(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> entry("tensor." + i, "F16", "[0]", 0, 0))
                .collect(Collectors.joining(",", "{", "}"));
    }

    /** One damaged file: what it is, its bytes, why it is refused and what the message must say. */
    record Damage(String what, byte[] bytes, Reason reason, String... words) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static Damage damage(String what, byte[] bytes, Reason reason, String... words) {
        return new Damage(what, bytes, reason, words);
    }

    private static Damage damage(String what, String header, int dataBytes, Reason reason, String... words) {
        return new Damage(what, file(header, dataBytes), reason, words);
    }

    private static Damage notJson(String what, String header, String... words) {
        return damage(what, header, 0, Reason.HEADER_NOT_JSON, words);
    }

    private static String tensorWith(String shape, String offsets) {
        return "{\"t\":{\"dtype\":\"U8\",\"shape\":%s,\"data_offsets\":%s}}".formatted(shape, offsets);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static Stream<Damage> sizes() {
        byte[] nothing = {};
        String scalar = "{" + entry("t", "F32", "[]", 0, 4) + "}";
        return Stream.of(
                damage("empty file", nothing, Reason.HEADER_TOO_SMALL, "0 bytes"),
                damage("seven bytes", new byte[7], Reason.HEADER_TOO_SMALL, "7 bytes"),
                damage(
                        "header of 2⁶⁴ − 1",
                        claiming(-1, ascii("{}"), nothing),
                        Reason.HEADER_TOO_LARGE,
                        "1844674407370955"),
                damage("header of 2⁶³ − 1", claiming(Long.MAX_VALUE, ascii("{}"), nothing), Reason.HEADER_TOO_LARGE),
                damage(
                        "header one byte too large",
                        claiming(100_000_001, ascii("{}"), nothing),
                        Reason.HEADER_TOO_LARGE,
                        "100000001 bytes"),
                damage(
                        "header of the largest legal size, not there",
                        claiming(100_000_000, ascii("{}"), nothing),
                        Reason.HEADER_BEYOND_FILE,
                        "100000000 bytes",
                        "10"),
                damage("header beyond the file by one", claiming(3, ascii("{}"), nothing), Reason.HEADER_BEYOND_FILE),
                damage("length only", claiming(2, nothing, nothing), Reason.HEADER_BEYOND_FILE, "truncated"),
                damage("truncated data", scalar, 3, Reason.INCOMPLETE_BUFFER, "4 bytes", "3", "truncated"),
                damage("no data", scalar, 0, Reason.INCOMPLETE_BUFFER, "truncated"),
                damage("one trailing byte", scalar, 5, Reason.INCOMPLETE_BUFFER, "1 bytes follow"),
                damage("data without tensors", "{}", 2, Reason.INCOMPLETE_BUFFER, "2 bytes follow"),
                damage(
                        "the reference, cut",
                        Arrays.copyOf(REFERENCE, REFERENCE.length - 1),
                        Reason.INCOMPLETE_BUFFER,
                        "24",
                        "23"));
    }

    static Stream<Damage> json() {
        String good = entry("t", "U8", "[]", 0, 1);
        return Stream.of(
                notJson("empty header", "", "end of the header"),
                notJson("blanks only", "    ", "end of the header"),
                notJson("an array", "[]", "header should be a JSON object"),
                notJson("a string", "\"{}\""),
                notJson("no closing brace", "{"),
                notJson("cut in a string", "{\"a"),
                notJson("cut after a name", "{\"a\""),
                notJson("single quotes", "{'t':{}}"),
                notJson("a comment", "{} // comment"),
                notJson("a trailing comma", "{" + good + ",}"),
                notJson("a second object", "{}{}", "goes on after its closing brace"),
                notJson("text behind the object", "{}x"),
                notJson("NUL padding", "{}\0\0\0\0\0\0"),
                notJson("a form feed as padding", "{}\f"),
                notJson("a byte order mark", "\uFEFF{}"),
                notJson("a bad escape", "{\"\\x\":{}}"),
                notJson("a raw line break in a name", "{\"a\nb\":{}}"),
                notJson("a lone surrogate in the metadata", "{\"__metadata__\":{\"a\":\"\\ud800\"}}", "\"a\""),
                notJson("a tensor that is no object", "{\"t\":[]}", "tensor \"t\"", "object"),
                notJson("a null tensor", "{\"t\":null}", "tensor \"t\""),
                notJson("no dtype", "{\"t\":{\"shape\":[],\"data_offsets\":[0,0]}}", "tensor \"t\"", "dtype"),
                notJson("no shape", "{\"t\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", "tensor \"t\"", "shape"),
                notJson("no offsets", "{\"t\":{\"dtype\":\"U8\",\"shape\":[]}}", "tensor \"t\"", "data_offsets"),
                notJson("dtype not a string", "{\"t\":{\"dtype\":8}}", "tensor \"t\"", "dtype"),
                notJson("shape not an array", tensorWith("{}", "[0,0]"), "tensor \"t\"", "shape"),
                notJson("a nested shape", tensorWith("[[1]]", "[0,1]"), "tensor \"t\"", "shape"),
                notJson("a null size", tensorWith("[null]", "[0,0]"), "tensor \"t\"", "null"),
                notJson("a size in quotes", tensorWith("[\"1\"]", "[0,1]"), "tensor \"t\"", "non-negative integers"),
                notJson("a negative size", tensorWith("[-1]", "[0,1]"), "tensor \"t\"", "-1"),
                notJson("minus zero", tensorWith("[-0]", "[0,0]"), "tensor \"t\"", "-0"),
                notJson("a fractional size", tensorWith("[1.5]", "[0,1]"), "tensor \"t\"", "1.5"),
                notJson("a whole fractional size", tensorWith("[1.0]", "[0,1]"), "tensor \"t\"", "1.0"),
                notJson("an exponent", tensorWith("[1e3]", "[0,1000]"), "tensor \"t\"", "1e3"),
                notJson("a leading zero", tensorWith("[01]", "[0,1]")),
                notJson("a leading plus", tensorWith("[+1]", "[0,1]")),
                notJson("a hexadecimal size", tensorWith("[0x1]", "[0,1]")),
                notJson("not a number", tensorWith("[NaN]", "[0,1]")),
                notJson("a negative offset", tensorWith("[1]", "[-1,0]"), "tensor \"t\"", "data_offsets", "-1"),
                notJson("one offset", tensorWith("[1]", "[0]"), "tensor \"t\"", "[begin, end]"),
                notJson("no offset", tensorWith("[1]", "[]"), "tensor \"t\"", "[begin, end]"),
                notJson("three offsets", tensorWith("[1]", "[0,1,2]"), "tensor \"t\"", "2 elements"),
                notJson("nine axes", tensorWith("[1,1,1,1,1,1,1,1,1]", "[0,1]"), "tensor \"t\"", "8 elements"),
                notJson("metadata not an object", "{\"__metadata__\":[]}", "__metadata__"),
                notJson("a metadata number", "{\"__metadata__\":{\"steps\":1}}", "\"steps\""),
                notJson("a null metadata value", "{\"__metadata__\":{\"steps\":null}}", "\"steps\""),
                notJson("nested metadata", "{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", "\"a\""),
                notJson("nesting deeper than 128", "{\"t\":{\"x\":" + "[".repeat(200) + "]".repeat(200) + "}}"),
                damage("not UTF-8", file(latin1("{\"é\":{}}"), new byte[0]), Reason.HEADER_NOT_UTF8, "UTF-8"),
                damage("not UTF-8 in the padding", file(latin1("{}      \u00ff"), new byte[0]), Reason.HEADER_NOT_UTF8),
                damage("cut inside a letter", file(latin1("{\"\u00e5\u00b1"), new byte[0]), Reason.HEADER_NOT_UTF8),
                damage(
                        "an overlong slash",
                        file(latin1("{\"\u00c0\u00af\":{}}"), new byte[0]),
                        Reason.HEADER_NOT_UTF8));
    }

    static Stream<Damage> names() {
        String t = entry("t", "U8", "[]", 0, 1);
        return Stream.of(
                damage("the same tensor twice", "{" + t + "," + t + "}", 1, Reason.DUPLICATE_NAME, "\"t\""),
                damage(
                        "two tensors of one name, one escaped",
                        "{" + t + "," + entry("\\u0074", "U8", "[]", 1, 2) + "}",
                        2,
                        Reason.DUPLICATE_NAME,
                        "\"t\""),
                damage(
                        "metadata twice",
                        "{\"__metadata__\":null,\"__metadata__\":{}}",
                        0,
                        Reason.DUPLICATE_NAME,
                        "__metadata__"),
                damage(
                        "a metadata entry twice",
                        "{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}",
                        0,
                        Reason.DUPLICATE_NAME,
                        "\"a\""),
                damage(
                        "a dtype twice",
                        "{\"t\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}",
                        1,
                        Reason.DUPLICATE_NAME,
                        "tensor \"t\"",
                        "dtype"),
                damage(
                        "a shape twice",
                        "{\"t\":{\"shape\":[],\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                        1,
                        Reason.DUPLICATE_NAME,
                        "tensor \"t\"",
                        "shape"),
                damage(
                        "offsets twice",
                        "{\"t\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"data_offsets\":[0,1]}}",
                        1,
                        Reason.DUPLICATE_NAME,
                        "tensor \"t\"",
                        "data_offsets"),
                damage("an empty name", "{" + entry("", "U8", "[]", 0, 1) + "}", 1, Reason.BAD_NAME, "empty"),
                damage("a NUL", "{" + entry("a\\u0000b", "U8", "[]", 0, 1) + "}", 1, Reason.BAD_NAME, "\"a?b\""),
                damage("a tab", "{" + entry("a\\tb", "U8", "[]", 0, 1) + "}", 1, Reason.BAD_NAME, "\"a?b\""),
                damage("a delete", "{" + entry("a\u007fb", "U8", "[]", 0, 1) + "}", 1, Reason.BAD_NAME, "\"a?b\""),
                damage("a C1 control", "{" + entry("a\u009bb", "U8", "[]", 0, 1) + "}", 1, Reason.BAD_NAME, "\"a?b\""),
                damage("a lone surrogate", "{" + entry("a\\ud800", "U8", "[]", 0, 1) + "}", 1, Reason.HEADER_NOT_JSON),
                damage(
                        "a name of 1001 letters",
                        "{" + entry("a".repeat(1001), "U8", "[]", 0, 1) + "}",
                        1,
                        Reason.BAD_NAME,
                        "1000",
                        "\"aaaaaaaa"),
                damage(
                        "an unknown dtype",
                        "{" + entry("t", "F128", "[]", 0, 16) + "}",
                        16,
                        Reason.UNKNOWN_DTYPE,
                        "\"t\"",
                        "F128"),
                damage(
                        "a dtype in lower case",
                        "{" + entry("t", "f16", "[]", 0, 2) + "}",
                        2,
                        Reason.UNKNOWN_DTYPE,
                        "f16"),
                damage(
                        "a dtype that drives a terminal",
                        "{" + entry("t", "\\u001b[31m\\u202e" + "x".repeat(500), "[]", 0, 2) + "}",
                        2,
                        Reason.UNKNOWN_DTYPE,
                        "?[31m?xxx"));
    }

    static Stream<Damage> offsets() {
        return Stream.of(
                damage(
                        "a gap before the first tensor",
                        "{" + entry("t", "U8", "[1]", 1, 2) + "}",
                        2,
                        Reason.INVALID_OFFSET,
                        "\"t\"",
                        "[1, 2]",
                        "gap"),
                damage(
                        "a gap between tensors",
                        "{" + entry("a", "U8", "[1]", 0, 1) + "," + entry("b", "U8", "[1]", 2, 3) + "}",
                        3,
                        Reason.INVALID_OFFSET,
                        "\"b\"",
                        "gap"),
                damage(
                        "overlapping tensors",
                        "{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[2]", 1, 3) + "}",
                        3,
                        Reason.INVALID_OFFSET,
                        "\"b\"",
                        "[1, 3]",
                        "overlaps"),
                damage(
                        "two tensors over the same bytes",
                        "{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[2]", 0, 2) + "}",
                        2,
                        Reason.INVALID_OFFSET,
                        "overlaps"),
                damage(
                        "an empty tensor inside another",
                        "{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[0]", 1, 1) + "}",
                        2,
                        Reason.INVALID_OFFSET,
                        "\"b\""),
                damage(
                        "an end before its begin",
                        "{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[2]", 2, 0) + "}",
                        2,
                        Reason.INVALID_OFFSET,
                        "\"b\"",
                        "end lies before its begin"),
                damage(
                        "an offset beyond the file",
                        "{" + entry("t", "U8", "[" + Long.MAX_VALUE + "]", 0, Long.MAX_VALUE) + "}",
                        2,
                        Reason.SIZE_OVERFLOW,
                        "\"t\""),
                damage("more than i64", tensorWith("[1]", "[0,9223372036854775808]"), 1, Reason.SIZE_OVERFLOW, "\"t\""),
                damage(
                        "the largest u64",
                        tensorWith("[18446744073709551615]", "[0,1]"),
                        1,
                        Reason.SIZE_OVERFLOW,
                        "\"t\""),
                damage(
                        "more than u64",
                        tensorWith("[18446744073709551616]", "[0,1]"),
                        1,
                        Reason.SIZE_OVERFLOW,
                        "\"t\""),
                damage(
                        "a thousand digits",
                        tensorWith("[" + "9".repeat(999) + "]", "[0,1]"),
                        1,
                        Reason.SIZE_OVERFLOW,
                        "\"t\""),
                damage(
                        "a hundred thousand digits",
                        tensorWith("[" + "9".repeat(100_000) + "]", "[0,1]"),
                        1,
                        Reason.HEADER_NOT_JSON),
                damage(
                        "a product beyond i64",
                        "{" + entry("t", "F32", "[4294967296,4294967296]", 0, 0) + "}",
                        0,
                        Reason.SIZE_OVERFLOW,
                        "\"t\"",
                        "[4294967296, 4294967296]"),
                damage(
                        "a product that a later 0 does not rescue",
                        "{" + entry("t", "F32", "[4294967296,4294967296,0]", 0, 0) + "}",
                        0,
                        Reason.SIZE_OVERFLOW,
                        "\"t\""),
                damage(
                        "a size in bits beyond i64",
                        "{" + entry("t", "F64", "[1152921504606846976]", 0, 0) + "}",
                        0,
                        Reason.SIZE_OVERFLOW,
                        "\"t\""),
                damage(
                        "packed elements in half a byte",
                        "{" + entry("t", "F4", "[3]", 0, 2) + "}",
                        2,
                        Reason.MISALIGNED,
                        "\"t\"",
                        "F4"),
                damage(
                        "six-bit elements in a fraction of a byte",
                        "{" + entry("t", "F6_E2M3", "[2]", 0, 2) + "}",
                        2,
                        Reason.MISALIGNED,
                        "\"t\""),
                damage(
                        "too few bytes for the shape",
                        "{" + entry("t", "F32", "[2,2]", 0, 15) + "}",
                        15,
                        Reason.SIZE_MISMATCH,
                        "\"t\"",
                        "F32 [2, 2]",
                        "16",
                        "15"),
                damage(
                        "too many bytes for the shape",
                        "{" + entry("t", "F16", "[2]", 0, 8) + "}",
                        8,
                        Reason.SIZE_MISMATCH,
                        "\"t\""),
                damage(
                        "bytes for an empty tensor",
                        "{" + entry("t", "F16", "[0]", 0, 2) + "}",
                        2,
                        Reason.SIZE_MISMATCH,
                        "\"t\""),
                damage(
                        "no bytes for a scalar",
                        "{" + entry("t", "F16", "[]", 0, 0) + "}",
                        0,
                        Reason.SIZE_MISMATCH,
                        "\"t\""));
    }

    @ParameterizedTest
    @MethodSource({"sizes", "json", "names", "offsets"})
    void aDamagedFileIsRefusedByName(Damage damage) {
        assertRefused(in(folder, "model.safetensors", damage.bytes), damage.reason, damage.words);
    }

    @Test
    void aHeaderOfMoreThanAHundredThousandMetadataEntriesIsRefused() {
        String entries = IntStream.rangeClosed(0, 100_000)
                .mapToObj(i -> "\"%d\":\"\"".formatted(i))
                .collect(Collectors.joining(","));

        assertRefused(in(folder, file("{\"__metadata__\":{" + entries + "}}", 0)), Reason.HEADER_TOO_LARGE, "100000");
    }

    @Test
    void anUnknownFormatIsRefusedWithItsFirstBytes() {
        assertRefused(
                in(folder, HexFormat.of().parseHex("377abcaf271c0004aabb")),
                Reason.UNKNOWN_FORMAT,
                "37 7a bc af 27 1c 00 04");
        assertRefused(in(folder, new byte[0]), Reason.UNKNOWN_FORMAT, "empty");
        assertRefused(in(folder, new byte[] {(byte) 0x80, 2, 'N', '.'}), Reason.UNKNOWN_FORMAT, "bare pickle");
        assertRefused(in(folder, claiming(-1, ascii("{}"), new byte[0])), Reason.UNKNOWN_FORMAT, "ff ff ff ff");
    }

    @Test
    void everyFileOfAllTruncationsOfTheReferenceIsRefused() {
        List<Integer> accepted = IntStream.range(0, REFERENCE.length)
                .filter(length -> {
                    try {
                        open(Arrays.copyOf(REFERENCE, length));
                        return true;
                    } catch (InvalidCheckpointException _) {
                        return false;
                    }
                })
                .boxed()
                .toList();

        assertThat(accepted).isEmpty();
    }
}
