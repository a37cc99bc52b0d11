package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.PickleBytes.sizes;
import static dev.atelier.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TorchZipReaderTest {
    @TempDir
    Path folder;

    /** Six floats: 24 bytes 0, 1, 2, … */
    private static final byte[] STORAGE = new byte[24];

    static {
        for (int i = 0; i < STORAGE.length; i++) {
            STORAGE[i] = (byte) i;
        }
    }

    private Path file(byte[] pickle) {
        return SafetensorsBytes.in(
                folder, ZipBytes.checkpoint(pickle, STORAGE, new byte[0]).bytes());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"state-dict", "protocol-4", "untyped-storage", "module", "views", "parameters", "lightning"})
    void tensorsAreThoseThatTorchSaved(String name) {
        Bits.assertSame(
                Checkpoints.open(Fixtures.path(name + ".ckpt")).tensors(),
                Checkpoints.open(Fixtures.path(name + ".safetensors")).tensors());
    }

    @Test
    void tensorsComeInTheOrderOfTheStateDict() {
        assertThat(Checkpoints.open(Fixtures.path("module.ckpt")).tensors().keySet())
                .containsExactly(
                        "0.weight",
                        "0.bias",
                        "1.weight",
                        "1.bias",
                        "1.running_mean",
                        "1.running_var",
                        "1.num_batches_tracked",
                        "2.weight",
                        "2.bias");
    }

    @Test
    void aConvertedFileIsTheOneThatSafetensorsItselfWrites() {
        Path target = folder.resolve("converted.safetensors");

        Checkpoints.open(Fixtures.path("views.ckpt")).writeTo(target, Progress.NONE);

        Checkpoint expected = Checkpoints.open(Fixtures.path("views.safetensors"));
        Checkpoint converted = Checkpoints.open(target);
        assertThat(converted.tensors().keySet())
                .containsExactlyElementsOf(expected.tensors().keySet());
        Bits.assertSame(converted.tensors(), expected.tensors());
    }

    @Test
    void contiguousTensorsStayInTheMappedFileAndOthersDoNot() {
        Checkpoint views = Checkpoints.open(Fixtures.path("views.ckpt"));

        assertThat(views.tensor("rows").mapped()).isPresent();
        assertThat(views.tensor("half.tail").mapped()).isPresent();
        assertThat(views.tensor("one.by.one").mapped()).isPresent();
        assertThat(views.tensor("transposed").mapped()).isEmpty();
        assertThat(views.tensor("expanded").mapped()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"transposed", "column", "stepped", "permuted", "expanded", "half.windows", "half.diagonal"})
    void aViewIsReadAlikeInWholeAndInParts(String name) {
        Tensor view = Checkpoints.open(Fixtures.path("views.ckpt")).tensor(name);
        Tensor whole = Checkpoints.open(Fixtures.path("views.safetensors")).tensor(name);
        int elements = (int) whole.shape().elements();
        for (int first = 0; first < elements; first++) {
            float[] floats = new float[elements - first];
            float[] expectedFloats = new float[elements - first];
            view.read(first, floats, elements - first);
            whole.read(first, expectedFloats, elements - first);
            assertThat(floats).isEqualTo(expectedFloats);
            double[] one = new double[1];
            double[] expectedOne = new double[1];
            view.read(first, one, 1);
            whole.read(first, expectedOne, 1);
            assertThat(one).isEqualTo(expectedOne);
        }
    }

    @Test
    void aSlicedAndTransposedTensorReadsTheElementsItNames() {
        byte[] pickle = new PickleBytes()
                .op('}', '(')
                .text("t")
                .tensor("ByteStorage", 24, 2, sizes(2, 3), sizes(1, 10))
                .endDict();

        assertThat(Bits.of(Checkpoints.open(file(pickle)).tensor("t"))).containsExactly(2, 12, 22, 3, 13, 23);
    }

    /** BININT1, BININT2, BININT, LONG1 and LONG4, where the high bit is a sign and where it is not */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "K\u00c8",
                "M\u00c8\0",
                "J\u00c8\0\0\0",
                "\u008a\2\u00c8\0",
                "\u008a\5\u00c8\0\0\0\0",
                "\u008b\2\0\0\0\u00c8\0"
            })
    void anIntegerMeans200HoweverItIsWritten(String integer) {
        byte[] bytes = new byte[40_001];
        bytes[200] = 7;
        bytes[40_000] = 8;
        byte[] pickle = new PickleBytes()
                .op('}', '(')
                .text("t")
                .global("torch._utils", "_rebuild_tensor_v2")
                .op('(', '(')
                .text("storage")
                .global("torch", "ByteStorage")
                .text("0")
                .text("cpu")
                .raw("M\u0041\u009c") // 40001
                .op('t', 'Q')
                .raw(integer)
                .tuple(2)
                .raw("M\u0078\u009b") // 39800
                .op(0x85, 't', 'R')
                .endDict();
        Path file =
                SafetensorsBytes.in(folder, ZipBytes.checkpoint(pickle, bytes).bytes());

        assertThat(Bits.of(Checkpoints.open(file).tensor("t"))).containsExactly(7, 8);
    }

    @Test
    void anEmptyTensorMayPointAnywhere() {
        byte[] pickle = PickleBytes.stateDict()
                .text("empty")
                .tensor(6, 1000, sizes(0, 3), sizes(3, 1))
                .endDict();

        assertThat(Checkpoints.open(file(pickle)).tensor("empty").shape()).isEqualTo(Shape.of(0, 3));
    }

    @Test
    void entriesThatAreNoTensorsAreLeftOut() {
        byte[] pickle = PickleBytes.stateDict()
                .text("epoch")
                .integer(3)
                .op('N')
                .tensor(6, 0, sizes(1), sizes(1))
                .endDict();

        assertThat(Checkpoints.open(file(pickle)).tensors()).containsOnlyKeys("a");
    }

    @Test
    void aStateDictThatWasBuiltFromPairsIsRead() {
        byte[] pickle = new PickleBytes()
                .global("collections", "OrderedDict")
                .op(']')
                .text("a")
                .tensor(6, 0, sizes(6), sizes(1))
                .op(0x86, 'a', 0x85, 'R', '.')
                .bytes();

        assertThat(Checkpoints.open(file(pickle)).tensors()).containsOnlyKeys("a");
    }

    @Test
    void aTensorThatWasSavedFromAGpuIsRead() {
        byte[] pickle = new PickleBytes()
                .op('}', '(')
                .text("a")
                .global("torch._utils", "_rebuild_tensor")
                .op('(', '(')
                .text("storage")
                .global("torch.cuda", "FloatStorage")
                .text("0")
                .text("cuda:0")
                .integer(6)
                .op('t', 'Q')
                .integer(0)
                .tuple(6)
                .tuple(1)
                .op('t', 'R')
                .endDict();

        assertThat(Bits.of(Checkpoints.open(file(pickle)).tensor("a"))).isEqualTo(STORAGE);
    }

    record Damage(String what, Reason reason, String word, byte[] pickle) {
        @Override
        public String toString() {
            return what;
        }
    }

    /** A state dict whose tensor "t" says something untrue about the six floats in data/0. */
    private static Damage tensor(String what, String word, long elements, long offset, long[] sizes, long[] strides) {
        return entry(what, Reason.BAD_PICKLE, word, pickle -> pickle.tensor(elements, offset, sizes, strides));
    }

    private static Damage entry(String what, Reason reason, String word, Consumer<PickleBytes> value) {
        PickleBytes pickle = PickleBytes.stateDict().text("t");
        value.accept(pickle);
        return new Damage(what, reason, word, pickle.endDict());
    }

    private static Damage named(String what, String name) {
        return new Damage(
                what,
                Reason.BAD_NAME,
                "name",
                PickleBytes.stateDict()
                        .text(name)
                        .tensor(6, 0, sizes(6), sizes(1))
                        .endDict());
    }

    private static Damage record(String what, String word, String type, String key, long elements) {
        return entry(
                what,
                Reason.BAD_ARCHIVE,
                word,
                pickle -> pickle.global("torch._utils", "_rebuild_tensor_v2")
                        .op('(')
                        .storage(type, key, elements)
                        .integer(0)
                        .tuple(1)
                        .tuple(1)
                        .op('t', 'R'));
    }

    static Stream<Damage> damages() {
        long huge = 1L << 62;
        return Stream.of(
                record("a storage that claims too much", "storage 0", "FloatStorage", "0", 7),
                record("a storage that claims too little", "\"t\"", "FloatStorage", "0", 5),
                record("a storage of another width", "storage 0", "HalfStorage", "0", 6),
                record("a storage of a negative size", "storage 0", "FloatStorage", "0", -6),
                entry(
                        "a storage whose size overflows",
                        Reason.BAD_PICKLE,
                        "\"t\"",
                        pickle -> pickle.tensor(huge, 0, sizes(1), sizes(1))),
                record("a storage that is missing", "storage 7, which is missing", "FloatStorage", "7", 6),
                record("a storage outside the folder", "storage ../data.pkl", "FloatStorage", "../data.pkl", 6),
                record("a storage whose key drives a terminal", "storage ?[2J", "FloatStorage", "\u001b[2J", 6),
                tensor("an offset beyond the storage", "\"t\"", 6, 6, sizes(1), sizes(1)),
                tensor("an offset just too far", "\"t\"", 6, 1, sizes(6), sizes(1)),
                tensor("a scalar beyond the storage", "\"t\"", 6, 6, sizes(), sizes()),
                tensor("a stride just too wide", "\"t\"", 6, 0, sizes(2, 3), sizes(4, 1)),
                tensor("a negative offset", "\"t\"", 6, -1, sizes(1), sizes(1)),
                tensor("a negative size", "\"t\"", 6, 0, sizes(-2), sizes(1)),
                tensor("two negative sizes", "\"t\"", 6, 0, sizes(-2, -3), sizes(3, 1)),
                tensor("a negative stride", "\"t\"", 6, 5, sizes(6), sizes(-1)),
                tensor("a negative offset of an empty tensor", "\"t\"", 6, -1, sizes(0), sizes(1)),
                tensor("a stride that overflows", "\"t\"", 6, 0, sizes(5, 1), sizes(huge, 1)),
                tensor("an offset that overflows", "\"t\"", 6, Long.MAX_VALUE, sizes(2), sizes(1)),
                tensor("sizes that overflow", "\"t\"", 6, 0, sizes(huge, 4), sizes(0, 0)),
                tensor("sizes that a later 0 does not rescue", "\"t\"", 6, 0, sizes(huge, 4, 0), sizes(0, 0, 0)),
                tensor("more sizes than strides", "\"t\"", 6, 0, sizes(2, 3), sizes(1)),
                tensor("fewer sizes than strides", "\"t\"", 6, 0, sizes(6), sizes(6, 1)),
                tensor("nine axes", "\"t\"", 6, 0, sizes(1, 1, 1, 1, 1, 1, 1, 1, 1), sizes(1, 1, 1, 1, 1, 1, 1, 1, 1)),
                tensor("a repeated element that fills the memory", "unfold", 6, 0, sizes(1L << 40), sizes(0)),
                named("an empty name", ""),
                named("a name with a line break", "a\nb"),
                named("the name of the metadata", "__metadata__"),
                named("a name of 1001 letters", "a".repeat(1001)),
                entry(
                        "a tensor without a storage",
                        Reason.BAD_PICKLE,
                        "storage",
                        pickle -> pickle.global("torch._utils", "_rebuild_tensor_v2")
                                .op('(', 'N')
                                .integer(0)
                                .tuple(1)
                                .tuple(1)
                                .op('t', 'R')),
                entry(
                        "a tensor without strides",
                        Reason.BAD_PICKLE,
                        "argument 4",
                        pickle -> pickle.global("torch._utils", "_rebuild_tensor_v2")
                                .op('(')
                                .storage("FloatStorage", "0", 6)
                                .integer(0)
                                .tuple(1)
                                .op('t', 'R')),
                entry(
                        "sizes that are no numbers",
                        Reason.BAD_PICKLE,
                        "integer",
                        pickle -> pickle.global("torch._utils", "_rebuild_tensor_v2")
                                .op('(')
                                .storage("FloatStorage", "0", 6)
                                .integer(0)
                                .op('N', 0x85)
                                .tuple(1)
                                .op('t', 'R')),
                entry(
                        "a size of 65 bits",
                        Reason.BAD_PICKLE,
                        "integer",
                        pickle -> pickle.global("torch._utils", "_rebuild_tensor_v2")
                                .op('(')
                                .storage("FloatStorage", "0", 6)
                                .integer(0)
                                .op(0x8A, 9)
                                .i64(1)
                                .op(1, 0x85)
                                .tuple(1)
                                .op('t', 'R')),
                entry(
                        "a size of 64 bits",
                        Reason.BAD_PICKLE,
                        "integer",
                        pickle -> pickle.global("torch._utils", "_rebuild_tensor_v2")
                                .op('(')
                                .storage("FloatStorage", "0", 6)
                                .integer(0)
                                .op(0x8A, 9)
                                .i64(Long.MIN_VALUE)
                                .op(0, 0x85)
                                .tuple(1)
                                .op('t', 'R')),
                entry(
                        "an untyped storage without a type",
                        Reason.BAD_PICKLE,
                        "type",
                        pickle -> untyped(pickle, "_rebuild_tensor_v2", 'N', 'N')),
                entry(
                        "an untyped storage with a type that is none",
                        Reason.BAD_PICKLE,
                        "type",
                        pickle -> untyped(pickle, "_rebuild_tensor_v3", 'N', 'N')),
                entry(
                        "a quantised storage",
                        Reason.FORBIDDEN_GLOBAL,
                        "torch.QInt8Storage",
                        pickle -> pickle.tensor("QInt8Storage", 6, 0, sizes(6), sizes(1))),
                entry(
                        "a storage type that is none",
                        Reason.BAD_PICKLE,
                        "OrderedDict",
                        pickle -> pickle.op('(')
                                .text("storage")
                                .global("collections", "OrderedDict")
                                .text("0")
                                .text("cpu")
                                .integer(6)
                                .op('t', 'Q')),
                entry(
                        "a view of a storage as the legacy format knows it",
                        Reason.BAD_PICKLE,
                        "storage",
                        pickle -> pickle.op('(')
                                .text("storage")
                                .global("torch", "FloatStorage")
                                .text("0")
                                .text("cpu")
                                .integer(6)
                                .op(')', 't', 'Q')),
                entry(
                        "a pickled module",
                        Reason.BAD_PICKLE,
                        "storage",
                        pickle -> pickle.op('(')
                                .text("module")
                                .global("collections", "OrderedDict")
                                .text("source.py")
                                .text("import os")
                                .op('N', 't', 'Q')),
                entry("a persistent id of nothing", Reason.BAD_PICKLE, "storage", pickle -> pickle.op(')', 'Q')));
    }

    private static void untyped(PickleBytes pickle, String rebuild, int... more) {
        pickle.global("torch._utils", rebuild).op('(', '(');
        pickle.text("storage")
                .global("torch.storage", "UntypedStorage")
                .text("0")
                .text("cpu");
        pickle.integer(24)
                .op('t', 'Q')
                .integer(0)
                .tuple(1)
                .tuple(1)
                .op(0x89)
                .op(more)
                .op('t', 'R');
    }

    @ParameterizedTest
    @MethodSource("damages")
    void aDamagedTensorIsRefusedByName(Damage damage) {
        assertRefused(file(damage.pickle), damage.reason, damage.word);
    }

    @Test
    void manyTensorsOverTheSameBytesDoNotFillTheDisk() {
        PickleBytes pickle = PickleBytes.stateDict();
        pickle.text("first").tensor(6, 0, sizes(6, 100), sizes(1, 0)).op('q', 9);
        for (int i = 0; i < 5_000; i++) {
            pickle.text("t" + i).op('h', 9);
        }

        assertRefused(file(pickle.endDict()), Reason.BAD_PICKLE, "16 times the file's size");
    }

    @Test
    void aHundredThousandTensorsAreReadButNotOneMore() {
        assertThat(Checkpoints.open(file(manyTensors(100_000))).tensors()).hasSize(100_000);
        assertRefused(file(manyTensors(100_001)), Reason.TOO_MANY_TENSORS, "100000");
    }

    /** So many names of one tensor. */
    private static byte[] manyTensors(int count) {
        PickleBytes pickle = new PickleBytes().op('}', '(').text("t0");
        pickle.tensor(6, 0, sizes(1), sizes(1)).op('q', 9);
        for (int i = 1; i < count; i++) {
            pickle.text("t" + i).op('h', 9);
        }
        return pickle.endDict();
    }

    @ParameterizedTest
    @ValueSource(strings = {"]", "N", ")", "K\u0001", "\u0088", "G\0\0\0\0\0\0\0\0"})
    void aFileOfSomethingElseIsRefused(String root) {
        assertRefused(file(new PickleBytes().raw(root).op('.').bytes()), Reason.BAD_PICKLE, "other than a dict");
    }

    @Test
    void aSingleTensorIsReadWithoutAName() {
        byte[] pickle =
                new PickleBytes().tensor(6, 0, sizes(6), sizes(1)).op('.').bytes();

        assertThat(Checkpoints.open(file(pickle)).tensors()).containsOnlyKeys("*");
        assertRefused(file(new PickleBytes().op('N', '.').bytes()), Reason.BAD_PICKLE, "other than a dict");
    }

    @Test
    void aDictWithoutTensorsIsRefused() {
        assertRefused(file(new PickleBytes().op('}', '.').bytes()), Reason.BAD_PICKLE, "no tensors");
        assertRefused(
                file(new PickleBytes().op('}', '(').text("state_dict").op('}').endDict()),
                Reason.BAD_PICKLE,
                "no tensors");
    }

    @Test
    void aBigEndianFileIsRefused() {
        ZipBytes zip = new ZipBytes()
                .add("m/data.pkl", PickleBytes.stateDict().endDict())
                .add("m/byteorder", "big")
                .add("m/data/0", STORAGE);

        assertRefused(SafetensorsBytes.in(folder, zip.bytes()), Reason.BAD_ARCHIVE, "big-endian");
    }

    @Test
    void aByteOrderThatIsNoneIsRefused() {
        ZipBytes zip = new ZipBytes()
                .add("m/data.pkl", PickleBytes.stateDict().endDict())
                .add("m/byteorder", new byte[100_000])
                .add("m/data/0", STORAGE);

        assertRefused(SafetensorsBytes.in(folder, zip.bytes()), Reason.BAD_ARCHIVE, "byteorder");
    }

    @Test
    void aFileWithoutAByteOrderIsLittleEndian() {
        ZipBytes zip = new ZipBytes()
                .add("m/version", "2\n")
                .add("m/data.pkl", PickleBytes.stateDict().endDict())
                .add("m/data/0", STORAGE);

        assertThat(Bits.of(Checkpoints.open(SafetensorsBytes.in(folder, zip.bytes()))
                        .tensor("a")))
                .isEqualTo(STORAGE);
    }
}
