package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsWriterTest {
    @TempDir
    Path folder;

    /** Element i is i/8, in as many ranges as the writer likes. */
    private static class Ramp extends ComputedTensor {
        Ramp(DType dtype, long elements) {
            super(dtype, Shape.of(elements));
        }

        @Override
        protected void compute(long first, float[] target, int count) {
            for (int i = 0; i < count; i++) {
                target[i] = (first + i) / 8f;
            }
        }

        @Override
        protected void compute(long first, double[] target, int count) {
            for (int i = 0; i < count; i++) {
                target[i] = (first + i) / 8.0;
            }
        }
    }

    private static Checkpoint inMemory(Map<String, Tensor> tensors) {
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    private static Tensor zeros(DType dtype, long... sizes) {
        Shape shape = Shape.of(sizes);
        return Bits.tensor(dtype, shape, new byte[(int) dtype.bytes(shape.elements())]);
    }

    private Path write(Checkpoint checkpoint) {
        Path target = folder.resolve("written.safetensors");
        checkpoint.writeTo(target, Progress.NONE);
        return target;
    }

    private static String headerOf(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return new String(bytes, 8, length, StandardCharsets.UTF_8);
    }

    private List<String> filesInFolder() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    @Test
    void theReferenceVectorIsWritten() throws IOException {
        byte[] data = Arrays.copyOfRange(SafetensorsReaderTest.REFERENCE, 72, 96);

        Path file = write(inMemory(Map.of("attn.0", Bits.tensor(DType.F32, Shape.of(1, 2, 3), data))));

        assertThat(Files.readAllBytes(file)).isEqualTo(SafetensorsReaderTest.REFERENCE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"state-dict", "untyped-storage", "module", "views", "parameters", "lightning", "names"})
    void aFileOfTheReferenceWriterIsWrittenBackByteForByte(String name) throws Exception {
        Path original = Fixtures.path(name + ".safetensors");

        Path copy = write(Checkpoints.open(original));

        assertThat(Files.readAllBytes(copy)).isEqualTo(Files.readAllBytes(original));
    }

    /** The temporary file beside it has to have a shorter one. */
    @Test
    void theLongestNameThatThereMayBeIsWritten() throws IOException {
        String name = "模".repeat(81) + ".safetensors";
        assertThat(name.getBytes(StandardCharsets.UTF_8)).hasSizeBetween(250, 255);

        inMemory(Map.of()).writeTo(folder.resolve(name), Progress.NONE);

        assertThat(filesInFolder()).containsExactly(name);
    }

    @Test
    void aFileWithoutTensorsIsWritten() throws IOException {
        assertThat(Files.readAllBytes(write(inMemory(Map.of())))).isEqualTo(SafetensorsBytes.file("{}      ", 0));
    }

    @Test
    void everyTypeSurvivesARoundTrip() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (DType dtype : DType.values()) {
            byte[] bytes = new byte[dtype.bits()]; // of eight elements
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (i * 37 + dtype.ordinal());
            }
            tensors.put(dtype.name(), Bits.tensor(dtype, Shape.of(2, 1, 4), bytes));
            tensors.put(dtype.name() + ".empty", Bits.tensor(dtype, Shape.of(3, 0), new byte[0]));
            if (dtype.bits() >= 8) {
                tensors.put(dtype.name() + ".scalar", Bits.tensor(dtype, Shape.of(), new byte[dtype.bits() / 8]));
            }
        }

        Bits.assertSame(Checkpoints.open(write(inMemory(tensors))).tensors(), tensors);
    }

    @Test
    void metadataSurvivesARoundTripInItsOrder() throws IOException {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("z", "first");
        metadata.put("a/b", "\"quoted\" \\ \b\f\n\r\t \u0001 \u001f \u007f / é 😀");
        metadata.put("", "");

        Path file = write(inMemory(Map.of()).withMetadata(metadata));

        assertThat(headerOf(file))
                .startsWith("{\"__metadata__\":{\"z\":\"first\",\"a/b\":\"\\\"quoted\\\" \\\\ \\b\\f\\n\\r\\t "
                        + "\\u0001 \\u001f \u007f / é 😀\",\"\":\"\"}}");
        assertThat(Checkpoints.open(file).metadata()).containsExactlyEntriesOf(metadata);
    }

    @Test
    void tensorsAreWrittenByDescendingTypeThenByTheBytesOfTheirNames() throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (String name : new String[] {"b", "é", "a.10", "a.9", "Z", "😀", "\uffee"}) {
            tensors.put(name, zeros(DType.F16, 1));
        }
        tensors.put("flag", zeros(DType.BOOL, 1));
        tensors.put("bf16", zeros(DType.BF16, 1));
        tensors.put("ids", zeros(DType.I64, 1));
        tensors.put("f32", zeros(DType.F32, 1));
        tensors.put("f64", zeros(DType.F64, 1));

        Path file = write(inMemory(tensors));

        assertThat(Checkpoints.open(file).tensors().keySet())
                .containsExactly("ids", "f64", "f32", "bf16", "Z", "a.10", "a.9", "b", "é", "\uffee", "😀", "flag");
        assertThat(headerOf(file))
                .startsWith("{\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},\"f64\":{");
    }

    @Test
    void everyTensorIsAlignedToItsElements() throws IOException {
        for (int length = 1; length <= 9; length++) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("x".repeat(length), zeros(DType.U8, 3));
            tensors.put("y", zeros(DType.F16, 3));
            tensors.put("z", zeros(DType.F32, 3));
            tensors.put("ids", zeros(DType.I64, 3));

            String header = headerOf(write(inMemory(tensors)));

            assertThat(header.getBytes(StandardCharsets.UTF_8).length % 8).isZero();
            assertThat(header).startsWith("{\"ids\"").contains("[0,24]", "[24,36]", "[36,42]", "[42,45]");
        }
    }

    @Test
    void theBytesDoNotDependOnTheNumberOfThreads() throws IOException {
        Checkpoint checkpoint = inMemory(Map.of(
                "half", new Ramp(DType.F16, 1_500_001),
                "single", new Ramp(DType.F32, 1_000_003),
                "double", new Ramp(DType.F64, 300_001),
                "scalar", zeros(DType.I64)));
        Path one = folder.resolve("one");
        Path many = folder.resolve("many");

        SafetensorsWriter.write(checkpoint, one, Map::of, Progress.NONE, 1);
        SafetensorsWriter.write(checkpoint, many, Map::of, Progress.NONE, 8);

        assertThat(Files.mismatch(one, many)).isEqualTo(-1);
        float[] last = new float[1];
        Checkpoints.open(one).tensor("single").read(1_000_002, last, 1);
        assertThat(last[0]).isEqualTo(1_000_002 / 8f);
    }

    /** Below the size from which writes go past the page cache, and above it. */
    @ParameterizedTest
    @ValueSource(longs = {0, 1_000_003, 5_000_001})
    void aFileIsHashedOnItsWayToTheDisk(long elements) {
        Checkpoint checkpoint = inMemory(Map.of("a", new Ramp(DType.F32, elements), "b", new Ramp(DType.BF16, 3)))
                .withMetadata(Map.of("format", "pt"));
        Path out = folder.resolve("out");
        assertThat(checkpoint.writeHashed(out, Progress.NONE)).contains(FileHash.sha256(out, Progress.NONE));
        assertThat(checkpoint.writeHashed(folder.resolve("out.ckpt"), Progress.NONE))
                .isEmpty();
    }

    @Test
    void whenOnePartFailsNobodyWaitsForItsHash() throws IOException {
        Tensor broken = new Ramp(DType.F32, 8_000_000) {
            @Override
            protected void compute(long first, float[] target, int count) {
                if (first > 2_000_000) {
                    throw new IllegalStateException("the disk of the source is gone");
                }
                super.compute(first, target, count);
            }
        };
        assertThatThrownBy(() -> inMemory(Map.of("a", broken)).writeHashed(folder.resolve("out"), Progress.NONE))
                .hasMessage("the disk of the source is gone");
        assertThat(filesInFolder()).isEmpty();
    }

    @Test
    void metadataMayComeLastIfItTakesAsMuchRoom() throws IOException {
        Checkpoint checkpoint = inMemory(Map.of("a", new Ramp(DType.F32, 5_000_000), "b", new Ramp(DType.F16, 7)))
                .withMetadata(Map.of("hash", "0000000000"));
        Path out = folder.resolve("out");

        assertThat(checkpoint.writeTo(out, () -> Map.of("hash", "longer than that was"), Progress.NONE))
                .isFalse();
        assertThat(filesInFolder()).isEmpty();

        assertThat(checkpoint.writeTo(out, () -> Map.of("hash", "0123456789"), Progress.NONE))
                .isTrue();
        assertThat(Checkpoints.open(out).metadata()).containsExactly(Map.entry("hash", "0123456789"));
        checkpoint.withMetadata(Map.of("hash", "0123456789")).writeTo(folder.resolve("same"), Progress.NONE);
        assertThat(Files.mismatch(out, folder.resolve("same"))).isEqualTo(-1);
    }

    /** As long as the first alignment and longer, and with an end on one: where blocks that go past the page cache might go wrong. */
    @ParameterizedTest
    @ValueSource(longs = {4_194_304, 4_194_304 + 1, 4_194_304 + 1023, 4_194_304 + 1024, 4_718_592})
    void theLastBlockMayEndAnywhere(long elements) throws IOException {
        Checkpoint checkpoint = inMemory(Map.of("a", new Ramp(DType.F32, elements), "b", new Ramp(DType.BF16, 3)));
        Path out = folder.resolve("out");

        checkpoint.writeTo(out, Progress.NONE);

        assertThat(Files.size(out) - checkpoint.byteSize()).isBetween(8L, 300L);
        float[] values = new float[3];
        Checkpoints.open(out).tensor("a").read(elements - 3, values, 3);
        assertThat(values).containsExactly((elements - 3) / 8f, (elements - 2) / 8f, (elements - 1) / 8f);
        Checkpoints.open(out).tensor("b").read(0, values, 3);
        assertThat(values).containsExactly(0, 1 / 8f, 2 / 8f);
    }

    @Test
    void progressNeverFallsAndEndsAtTheTotal() {
        Checkpoint checkpoint =
                inMemory(Map.of("a", new Ramp(DType.F32, 5_000_000), "b", new Ramp(DType.F16, 1_000_001)));
        List<Long> done = new ArrayList<>();
        AtomicInteger listening = new AtomicInteger();

        SafetensorsWriter.write(
                checkpoint,
                folder.resolve("out"),
                Map::of,
                (bytes, total) -> {
                    assertThat(listening.incrementAndGet())
                            .as("threads at a time")
                            .isEqualTo(1);
                    assertThat(total).isEqualTo(22_000_002);
                    done.add(bytes);
                    LockSupport.parkNanos(1_000_000);
                    listening.decrementAndGet();
                },
                8);

        assertThat(done).isSorted().hasSizeGreaterThan(20).startsWith(0L).endsWith(22_000_002L);
    }

    @Test
    void aFailingTensorLeavesNothingBehind() throws IOException {
        Tensor broken = new Ramp(DType.F32, 3_000_000) {
            @Override
            protected void compute(long first, float[] target, int count) {
                if (first > 2_000_000) {
                    throw new IllegalStateException("the disk of the source is gone");
                }
                super.compute(first, target, count);
            }
        };

        assertThatThrownBy(() -> write(inMemory(Map.of("a", broken))))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the disk of the source is gone");

        assertThat(filesInFolder()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 5_000_000})
    void aCancelledWriteLeavesNothingBehind(long afterBytes) throws IOException {
        Checkpoint checkpoint = inMemory(Map.of("a", new Ramp(DType.F32, 3_000_000)));

        assertThatThrownBy(() -> checkpoint.writeTo(folder.resolve("out"), (done, total) -> {
                    if (done >= afterBytes) {
                        throw new CancellationException("enough");
                    }
                }))
                .isInstanceOf(CancellationException.class)
                .hasMessage("enough");

        assertThat(filesInFolder()).isEmpty();
    }

    @Test
    void anInterruptedWriteStopsAndLeavesNothingBehind() throws IOException {
        Thread writer = Thread.currentThread();
        AtomicLong written = new AtomicLong();
        Checkpoint checkpoint = inMemory(Map.of("a", new Ramp(DType.F32, 25_000_000)));

        assertThatThrownBy(() -> checkpoint.writeTo(folder.resolve("out"), (done, total) -> {
                    if (written.getAndSet(done) == 0 && done > 0) {
                        writer.interrupt();
                    }
                }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("interrupted");

        assertThat(Thread.interrupted()).as("the interrupt is passed on").isTrue();
        assertThat(written.get()).isLessThan(50_000_000);
        assertThat(filesInFolder()).isEmpty();
    }

    @Test
    void whileWritingTheTargetDoesNotExist() {
        Path target = folder.resolve("out");

        inMemory(Map.of("a", new Ramp(DType.F32, 1_000_000)))
                .writeTo(target, (done, total) -> assertThat(target).doesNotExist());

        assertThat(target).exists();
    }

    @Test
    void anExistingFileIsReplacedWhileItsReadersKeepTheOldBytes() throws IOException {
        Path target = folder.resolve("model");
        inMemory(Map.of("a", Bits.floats(1, 2, 3))).writeTo(target, Progress.NONE);
        Tensor old = Checkpoints.open(target).tensor("a");

        inMemory(Map.of("a", Bits.floats(4))).writeTo(target, Progress.NONE);

        assertThat(Bits.of(old)).isEqualTo(Bits.of(Bits.floats(1, 2, 3)));
        assertThat(Bits.of(Checkpoints.open(target).tensor("a"))).isEqualTo(Bits.of(Bits.floats(4)));
        assertThat(filesInFolder()).containsExactly("model");
    }

    @Test
    void anExistingFileSurvivesAFailedWrite() throws IOException {
        Path target = Files.writeString(folder.resolve("model"), "precious");
        Tensor broken = new Ramp(DType.F32, 10) {
            @Override
            protected void compute(long first, float[] values, int count) {
                throw new IllegalStateException();
            }
        };

        assertThatThrownBy(() -> inMemory(Map.of("a", broken)).writeTo(target, Progress.NONE))
                .isInstanceOf(IllegalStateException.class);

        assertThat(target).hasContent("precious");
        assertThat(filesInFolder()).containsExactly("model");
    }

    @Test
    void anInputIsNeverOverwrittenByWhateverNameItGoes() throws IOException {
        Path input = Files.write(folder.resolve("input"), SafetensorsReaderTest.REFERENCE);
        Path hard = Files.createLink(folder.resolve("hard"), input);
        Path soft = Files.createSymbolicLink(folder.resolve("soft"), input);
        Files.createDirectory(folder.resolve("sub"));
        Path roundabout = folder.resolve("sub").resolve("..").resolve("input");
        Checkpoint view = Checkpoints.open(input).cast(DType.F16).filter(name -> true);

        for (Path target : List.of(input, hard, soft, roundabout)) {
            assertThatIllegalArgumentException()
                    .as(target.toString())
                    .isThrownBy(() -> view.writeTo(target, Progress.NONE))
                    .withMessageContaining(target.toString())
                    .withMessageContaining("inputs");
        }

        assertThat(input).hasBinaryContent(SafetensorsReaderTest.REFERENCE);
        assertThat(filesInFolder()).containsExactlyInAnyOrder("input", "hard", "soft", "sub");
    }

    @Test
    void aMissingFolderIsNamed() {
        Path target = folder.resolve("nowhere").resolve("out");

        assertThatThrownBy(() -> inMemory(Map.of()).writeTo(target, Progress.NONE))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(folder.resolve("nowhere").toString())
                .hasMessageContaining("does not exist");
    }

    @Test
    void moreThanTheDiskHoldsIsRefusedBeforeAnythingIsWritten() throws IOException {
        Checkpoint huge = inMemory(Map.of("a", new Ramp(DType.F32, 1L << 56)));

        assertThatThrownBy(() -> huge.writeTo(folder.resolve("out"), Progress.NONE))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("disk");

        assertThat(filesInFolder()).isEmpty();
    }

    @Test
    void aFolderIsNotReplacedByAFile() throws IOException {
        Path target = Files.createDirectory(folder.resolve("models"));

        assertThatThrownBy(() -> inMemory(Map.of("a", Bits.floats(1))).writeTo(target, Progress.NONE))
                .isInstanceOf(UncheckedIOException.class);

        assertThat(target).isEmptyDirectory();
        assertThat(filesInFolder()).containsExactly("models");
    }

    @Test
    void theWriterReadsComputedTensorsAtElementBoundaries() {
        Tensor strict = new Ramp(DType.BF16, 3_000_001);

        assertThatIllegalArgumentException().isThrownBy(() -> strict.read(1, MemorySegment.ofArray(new byte[2])));
        assertThatIllegalArgumentException().isThrownBy(() -> strict.read(2, MemorySegment.ofArray(new byte[3])));
        Path file = write(inMemory(Map.of("a", strict)));
        float[] expected = new float[3];
        strict.read(2_999_998, expected, 3);
        float[] actual = new float[3];
        Checkpoints.open(file).tensor("a").read(2_999_998, actual, 3);
        assertThat(actual).isEqualTo(expected);
    }
}
