package dev.atelier.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A corpus of files that have slipped past scanners, assembled here. The command in each is never run: this program has no
 * way to, and the tests say so by what is reported.
 */
class PickleScanTest {
    @TempDir
    Path folder;

    private static byte[] latin(String text) {
        return text.getBytes(ISO_8859_1);
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    /** os.system("echo"), as a pickle of protocol 2. */
    private static byte[] evil() {
        return latin("\u0080\u0002cos\nsystem\nX\u0004\0\0\0echo\u0085R.");
    }

    private static byte[] zip(byte[] pickle) {
        return ZipBytes.checkpoint(pickle).bytes();
    }

    /** The trick by its name, to the file's bytes: each must be reported with "os.system" refused. */
    static Stream<Map.Entry<String, byte[]>> hidingPlaces() {
        Map<String, byte[]> files = new TreeMap<>();
        files.put("plain zip", zip(evil()));
        files.put("bare pickle called .bin (CVE-2025-10155)", evil());
        files.put("protocol 0 GLOBAL", latin("cos\nsystem\n(S'echo'\ntR."));
        files.put("INST", latin("(S'echo'\nios\nsystem\n."));
        files.put("OBJ, its result popped", latin("(cos\nsystem\nS'echo'\no0N."));
        files.put("STACK_GLOBAL", latin("\u0080\u0004\u008c\u0002os\u008c\u0006system\u0093."));
        files.put(
                "STACK_GLOBAL through the memo",
                latin("\u0080\u0004\u008c\u0002os\u0094\u008c\u0006system\u009400h\0h\u0001\u0093."));
        files.put("STACK_GLOBAL through PUT and GET of protocol 0", latin("Vos\np7\n0Vsystem\np8\n0g7\ng8\n\u0093."));
        files.put("STACK_GLOBAL of Python 2 strings", latin("\u0080\u0002U\u0002osT\u0006\0\0\0system\u0093."));
        files.put("STACK_GLOBAL through DUP", latin("\u0080\u0004\u008c\u0002os20\u008c\u0006system\u0093."));
        files.put("STACK_GLOBAL after POP_MARK", latin("\u0080\u0004(NNN1\u008c\u0002os\u008c\u0006system\u0093."));
        files.put(
                "FRAME that ends inside",
                latin("\u0080\u0004\u0095\u0003\0\0\0\0\0\0\0\u008c\u0002os\u008c\u0006system\u0093."));
        files.put("payload, then garbage", join(Arrays.copyOf(evil(), evil().length - 1), new byte[] {(byte) 0xFF, 7, 7
        }));
        files.put("payload, then the end of the file", Arrays.copyOf(evil(), evil().length - 1));
        files.put("a second pickle after STOP", join(latin("\u0080\u0002N."), evil()));
        files.put("a second pickle after STOP, in the archive", zip(join(latin("\u0080\u0002}."), evil())));
        files.put("a pickle in a pickle's bytes", latin("\u0080\u0003C" + (char) evil().length + text(evil()) + "."));
        files.put(
                "two levels down",
                zip(latin("\u0080\u0003C" + (char) (evil().length + 4) + "\u0080\u0003C" + (char) evil().length
                        + text(evil()).substring(0, evil().length - 1) + "..")));
        files.put(
                "another name in the archive (CVE-2025-1889)",
                ZipBytes.checkpoint(latin("\u0080\u0002}."))
                        .add("archive/notes.txt", evil())
                        .bytes());
        files.put(
                "a second data.pkl in another folder",
                ZipBytes.checkpoint(latin("\u0080\u0002}."))
                        .add("other/data.pkl", evil())
                        .bytes());
        files.put(
                "in the place of a storage",
                ZipBytes.checkpoint(latin("\u0080\u0002}."), evil()).bytes());
        files.put("flags that say encrypted (CVE-2025-1945)", patched(evil(), 6, 8, (byte) 1));
        files.put("local name unlike the directory's (CVE-2025-1944)", patched(evil(), 30, -1, (byte) 'x'));
        files.put("wrong checksum (CVE-2025-10156)", patched(evil(), -1, 16, (byte) 0x55));
        files.put("compressed", deflated(evil()));
        files.put("no directory", Arrays.copyOf(zip(evil()), (int) ZIP_HEADER + evil().length + 64));
        files.put("legacy file", join(legacy(evil())));
        files.put(
                "legacy magic made by a call",
                latin("\u0080\u0002cos\nsystem\nX\u0004\0\0\0echo\u0085R.\u0080\u0002M\u00e9\u0003."));
        return files.entrySet().stream();
    }

    private static final long ZIP_HEADER = 64;

    private static String text(byte[] bytes) {
        return new String(bytes, ISO_8859_1);
    }

    private static byte[] patched(byte[] pickle, int local, int central, byte value) {
        ZipBytes zip = ZipBytes.checkpoint(pickle);
        byte[] bytes = zip.bytes();
        if (local >= 0) {
            bytes[zip.local(0) + local] = value;
        }
        if (central >= 0) {
            bytes[zip.central(0) + central] = value;
        }
        return bytes;
    }

    private static byte[] deflated(byte[] pickle) {
        Deflater deflater = new Deflater(9, true);
        deflater.setInput(pickle);
        deflater.finish();
        byte[] packed = new byte[1000];
        int size = deflater.deflate(packed);
        deflater.end();
        ZipBytes zip = ZipBytes.checkpoint(Arrays.copyOf(packed, size));
        byte[] bytes = zip.bytes();
        bytes[zip.local(0) + 8] = 8;
        bytes[zip.central(0) + 10] = 8;
        return bytes;
    }

    private static byte[] legacy(byte[] object) {
        return join(
                new byte[] {
                    (byte) 0x80,
                    2,
                    (byte) 0x8A,
                    0x0A,
                    0x6C,
                    (byte) 0xFC,
                    (byte) 0x9C,
                    0x46,
                    (byte) 0xF9,
                    0x20,
                    0x6A,
                    (byte) 0xA8,
                    0x50,
                    0x19,
                    '.'
                },
                latin("\u0080\u0002M\u00e9\u0003."),
                latin("\u0080\u0002}."),
                object,
                latin("\u0080\u0002]."));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("hidingPlaces")
    void whereverItHidesItIsFoundAndTheFileRefused(Map.Entry<String, byte[]> trick) throws IOException {
        Path file = Files.write(folder.resolve("model.bin"), trick.getValue());

        ScanReport report = PickleScan.of(file);

        assertThat(report.globals()).as(report.toString()).anySatisfy(global -> {
            assertThat(global.qualifiedName()).isEqualTo("os.system");
            assertThat(global.allowed()).isFalse();
        });
        assertThat(report.isClean()).isFalse();
        assertThat(PickleScan.concerns(file)).isTrue();
        assertThatThrownBy(() -> Checkpoints.open(file)).isInstanceOf(InvalidCheckpointException.class);
    }

    /** Names that scanners with a list of dangerous ones have let pass. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "pip main",
                "pkgutil resolve_name",
                "operator attrgetter",
                "operator methodcaller",
                "functools partial",
                "builtins getattr",
                "builtins eval",
                "builtins __import__",
                "__builtin__ apply",
                "asyncio.unix_events _UnixSubprocessTransport._start",
                "ctypes CDLL",
                "runpy run_path",
                "pydoc pipepager",
                "imaplib IMAP4_stream",
                "uuid _get_command_stdout",
                "logging FileHandler",
                "_io FileIO",
                "idlelib.pyshell ModifiedInterpreter.runcode",
                "lib2to3.pgen2.grammar Grammar.loadgrammar",
                "code InteractiveInterpreter",
                "cProfile runctx",
                "trace Trace.run",
                "timeit timeit",
                "numpy.f2py.crackfortran getlincoef",
                "numpy load",
                "numpy.testing._private.utils runstring",
                "torch load",
                "torch.serialization load",
                "torch.hub load",
                "torch.jit.unsupported_tensor_ops execWrapper",
                "torch._inductor.codecache compile_file",
                "torch.utils.collect_env run",
                "torch.utils.bottleneck.__main__ run_cprofile",
                "torch._dynamo.guards GuardBuilder.get",
                "torch.storage _load_from_bytes",
                "_codecs lookup",
                "codecs open",
                "collections OrderedDict.__class__",
                "torch FloatStorage.__init__.__globals__",
                "torch.storage.UntypedStorage from_file",
                "collections OrderedDict\r",
                " collections OrderedDict",
                "Collections OrderedDict",
                "collections\u0000 OrderedDict",
                "c\u00d0\u00becollections OrderedDict",
                "_pickle loads",
                "joblib load",
                "dill._dill _load_type",
                "transformers.models.auto.auto_factory getattribute_from_module",
                // advisories on picklescan and fickling of 2025 and 2026 that are not above
                "importlib import_module",
                "importlib._bootstrap _load_unlocked",
                "marshal loads",
                "types FunctionType",
                "_operator attrgetter",
                "distutils.file_util write_file",
                "ensurepip _run_pip",
                "venv create",
                "doctest debug_script",
                "profile Profile.runctx",
                "bdb Bdb.run",
                "pdb run",
                "pty spawn",
                "multiprocessing.util spawnv_passfds",
                "_pyrepl.pager pipe_pager",
                "_osx_support _read_output",
                "_aix_support _read_cmd_output",
                "ssl get_server_certificate",
                "http.client HTTPSConnection",
                "shutil rmtree",
                "lib2to3.pgen2.pgen ParserGenerator.make_label",
                "idlelib.autocomplete AutoComplete.get_entity",
                "test.support.script_helper assert_python_ok",
                "torch._dynamo.convert_frame compile_frame",
                "torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression",
                "torch.utils.data.datapipes.utils.decoder basichandlers",
            })
    void noNameOutsideTheListPasses(String names) throws IOException {
        String module = names.substring(0, names.lastIndexOf(' '));
        String name = names.substring(names.lastIndexOf(' ') + 1);
        byte[] global = latin("\u0080\u0002c" + module + "\n" + name + "\n.");
        byte[] stackGlobal = latin("\u0080\u0004\u008c" + (char) module.length() + module + "\u008c"
                + (char) name.length() + name + "\u0093.");
        for (byte[] pickle : List.of(global, stackGlobal)) {
            ScanReport report = PickleScan.of(Files.write(folder.resolve("m.pt"), zip(pickle)));
            assertThat(report.globals()).singleElement().satisfies(found -> {
                assertThat(found.allowed()).isFalse();
                assertThat(found.qualifiedName())
                        .isEqualTo(new String(latin(module + "." + name), java.nio.charset.StandardCharsets.UTF_8));
            });
            assertThat(report.isClean()).isFalse();
            assertThatThrownBy(() -> Checkpoints.open(folder.resolve("m.pt")))
                    .isInstanceOf(InvalidCheckpointException.class);
        }
    }

    /** What cannot be told is not passed over. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u0080\u0004\u008c\u0002osN\u0093.", // the name is no text
                "\u0080\u0004\u0093.", // nothing on the stack
                "\u0080\u0004\u008c\u000bcollectionsh\u0063\u0093.", // from a memo that was never filled
                "\u0080\u0002(Vo\\u0073\nV\\u0073ystem\n\u0093.", // spelled with escapes
                "(S'o\\x73'\nS'system'\n\u0093.",
                "\u0080\u0002\u0082\u0001.", // extension registry
                "\u0080\u0002\u0083\u0001\u0002.",
                "\u0080\u0002\u0084\u0001\u0002\u0003\u0004.",
                "\u0080\u0002ccollections\nOrderedDict\n.tail",
                "\u0080\u0002ccollections\nOrderedDict\n\u00ff",
                "\u0080\u0002X\u00ff\u00ff\u00ff\u007fccollections\nOrderedDict\n.", // a text longer than the file
                "\u0080\u0004\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.",
            })
    void whatCannotBeFollowedIsRefused(String pickle) throws IOException {
        ScanReport report = PickleScan.of(Files.write(folder.resolve("m.pt"), zip(latin(pickle))));
        assertThat(report.isClean()).isFalse();
        assertThat(report.problems().isEmpty() && report.globals().stream().allMatch(ScanReport.Global::allowed))
                .as(report.toString())
                .isFalse();
    }

    @Test
    void archivesOfOtherKindsAreRefused() throws IOException {
        byte[] sevenZip = join(new byte[] {'7', 'z', (byte) 0xBC, (byte) 0xAF, 0x27, 0x1C}, new byte[100]);
        Path file = Files.write(folder.resolve("model.pt"), sevenZip);
        assertThat(PickleScan.of(file).container()).isEqualTo("7z archive");
        assertThat(PickleScan.of(file).isClean()).isFalse();
        byte[] tar = new byte[1024];
        ByteBuffer.wrap(tar).put(257, latin("ustar"));
        assertThat(PickleScan.of(Files.write(file, tar)).container()).isEqualTo("tar archive");
        assertThat(PickleScan.of(Files.write(file, tar)).isClean()).isFalse();
        ScanReport empty = PickleScan.of(Files.write(file, new byte[0]));
        assertThat(empty.isClean()).isFalse();
        assertThat(empty.refusal()).hasValue("the file is empty");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "state-dict",
                "protocol-4",
                "untyped-storage",
                "module",
                "views",
                "parameters",
                "lightning",
                "legacy",
                "legacy-views"
            })
    void whatTorchWritesIsClean(String name) {
        ScanReport report = PickleScan.of(Fixtures.path(name + ".ckpt"));
        assertThat(report.isClean()).as(report.toString()).isTrue();
        assertThat(report.globals())
                .extracting(ScanReport.Global::qualifiedName)
                .contains(
                        "collections.OrderedDict",
                        "torch._utils._rebuild_tensor_v" + (name.startsWith("unty") ? 3 : 2));
    }

    @Test
    void safetensorsHaveNothingToScan() {
        ScanReport report = PickleScan.of(Fixtures.path("names.safetensors"));
        assertThat(report.isClean()).isTrue();
        assertThat(report.globals()).isEmpty();
    }

    @Test
    void aNameIsCountedAndPlaced() throws IOException {
        byte[] twice = latin("\u0080\u0002cos\nsystem\ncos\nsystem\n\u0086.");
        assertThat(PickleScan.of(Files.write(folder.resolve("x"), twice)).globals())
                .containsExactly(new ScanReport.Global("pickle", 2, "os", "system", 2, false));
    }

    @Test
    void anyBytesAtAllEndInAReport() throws IOException {
        java.util.Random random = new java.util.Random(11);
        byte[] honest = Files.readAllBytes(Fixtures.path("lightning.ckpt"));
        for (int round = 0; round < 300; round++) {
            byte[] bytes = round % 3 == 0 ? new byte[random.nextInt(400)] : honest.clone();
            if (round % 3 == 0) {
                random.nextBytes(bytes);
            } else {
                for (int i = 0; i < 20; i++) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
                }
                bytes = Arrays.copyOf(bytes, bytes.length - random.nextInt(3) * random.nextInt(200));
            }
            assertThat(PickleScan.of(Files.write(folder.resolve("f"), bytes))).isNotNull();
        }
    }
}
