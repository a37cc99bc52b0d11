package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles made to harm. Where one names a command, it is a real one: loaded by Python it would leave a file behind. */
@Timeout(20)
class PickleMachineTest {
    @TempDir
    Path folder;

    @AfterEach
    void nothingRan() {
        assertThat(folder.resolve("proof")).doesNotExist();
    }

    private String command() {
        return "touch " + folder.resolve("proof");
    }

    private Path file(byte[] pickle) {
        return SafetensorsBytes.in(
                folder, ZipBytes.checkpoint(pickle, new byte[24]).bytes());
    }

    /** A good state dict with one more entry, whose value is still to come. */
    private static PickleBytes evil() {
        return PickleBytes.stateDict().text("evil");
    }

    @ParameterizedTest
    @CsvSource({
        "os, system",
        "posix, system",
        "nt, system",
        "subprocess, Popen",
        "subprocess, check_output",
        "builtins, eval",
        "builtins, exec",
        "builtins, getattr",
        "builtins, __import__",
        "builtins, open",
        "builtins, compile",
        "builtins, apply",
        "__builtin__, eval",
        "__builtin__, getattr",
        "torch, load",
        "torch, ops",
        "torch.serialization, load",
        "torch.hub, load",
        "torch.jit, load",
        "torch._inductor.codecache, compile_file",
        "torch.utils.bottleneck.__main__, run_cprofile",
        "torch.utils._config_module, ConfigModule.load_config",
        "torch.fx.experimental.symbolic_shapes, ShapeEnv.evaluate_guards_expression",
        "torch.distributed.rpc.server_process_global_profiler, _server_process_global_profile.__init__",
        "runpy, run_path",
        "runpy, _run_code",
        "pip, main",
        "pip._internal, main",
        "pip._internal.cli.main, main",
        "ensurepip, _run_pip",
        "pkgutil, resolve_name",
        "importlib, import_module",
        "operator, attrgetter",
        "operator, methodcaller",
        "_operator, attrgetter",
        "functools, partial",
        "itertools, starmap",
        "asyncio.unix_events, _UnixSubprocessTransport._start",
        "ctypes, CDLL",
        "pydoc, pipepager",
        "pdb, run",
        "bdb, Bdb",
        "profile, run",
        "cProfile, runctx",
        "timeit, timeit",
        "trace, Trace",
        "code, InteractiveInterpreter",
        "codecs, open",
        "_codecs, decode",
        "imaplib, IMAP4_stream",
        "uuid, _get_command_stdout",
        "logging, FileHandler",
        "logging.config, _resolve",
        "_io, FileIO",
        "io, open",
        "shutil, rmtree",
        "socket, create_connection",
        "webbrowser, open",
        "distutils.file_util, write_file",
        "lib2to3.pgen2.pgen, ParserGenerator",
        "idlelib.run, Executive",
        "multiprocessing.util, spawnv_passfds",
        "numpy.f2py.crackfortran, getlincoef",
        "numpy.f2py, compile",
        "numpy, load",
        "numpy, memmap",
        "numpy.testing._private.utils, runstring",
        "numpy.core.multiarray, fromfile",
        "joblib, load",
        "dill, load",
        "cloudpickle, loads",
        "pickle, loads",
        "_pickle, loads",
        "marshal, loads",
        "types, FunctionType",
        "types, CodeType",
        "copyreg, _reconstructor",
        "copy_reg, _reconstructor",
        "copyreg, add_extension",
        "sys, modules",
        "sys, setrecursionlimit",
        "pytorch_lightning.callbacks, os",
        "pytorch_lightning.callbacks.model_checkpoint, os",
        "transformers, AutoModel",
        "__main__, payload",
    })
    void aNameThatIsNotOnTheListIsRefusedHoweverItIsWritten(String module, String name) {
        for (PickleBytes global : new PickleBytes[] {
            evil().global(module, name), evil().stackGlobal(module, name), evil().hiddenGlobal(module, name)
        }) {
            byte[] pickle = global.text(command()).op(0x85, 'R').endDict();
            assertRefused(file(pickle), Reason.FORBIDDEN_GLOBAL, module + "." + name, "nothing was run");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "os, OrderedDict",
        "evil, FloatStorage",
        "torch.evil, FloatStorage",
        "torch, OrderedDict",
        "collections, _rebuild_tensor_v2",
        "Torch, FloatStorage",
        "torch, floatstorage",
        "torch, ' FloatStorage'",
        "' torch', FloatStorage",
        "torch., FloatStorage",
        "'', FloatStorage",
        "torch, ''",
        "torch._utils, _rebuild_tensor_v2.__globals__",
        "collections, OrderedDict.update",
        "torch, _utils._rebuild_tensor_v2",
        "collections.OrderedDict, ''",
        "numpy, dtype.__reduce__",
        "numpy.core, multiarray.scalar",
        "torch, storage.UntypedStorage",
    })
    void aHarmlessNameInTheWrongModuleIsRefused(String module, String name) {
        assertRefused(
                file(evil().stackGlobal(module, name).op(')', 'R').endDict()),
                Reason.FORBIDDEN_GLOBAL,
                module + "." + name);
    }

    @ParameterizedTest
    @CsvSource({
        "collections, OrderedDict",
        "collections, Counter",
        "torch, FloatStorage",
        "torch, HalfStorage",
        "torch, BFloat16Storage",
        "torch, DoubleStorage",
        "torch, LongStorage",
        "torch, IntStorage",
        "torch, ShortStorage",
        "torch, CharStorage",
        "torch, ByteStorage",
        "torch, BoolStorage",
        "torch.cuda, HalfStorage",
        "torch, float32",
        "torch, bfloat16",
        "torch, float8_e4m3fn",
        "torch, Size",
        "torch, Tensor",
        "torch, device",
        "torch.storage, UntypedStorage",
        "torch.nn.parameter, Parameter",
        "torch.nn.modules.container, ParameterDict",
        "torch.serialization, _get_layout",
        "numpy, dtype",
        "numpy, ndarray",
        "numpy.core.multiarray, scalar",
        "numpy.core.multiarray, _reconstruct",
        "numpy._core.multiarray, scalar",
        "numpy._core.multiarray, _reconstruct",
        "_codecs, encode",
        "builtins, set",
        "__builtin__, set",
        "builtins, bytearray",
        "builtins, complex",
        "pytorch_lightning.callbacks.model_checkpoint, ModelCheckpoint",
        "pytorch_lightning.callbacks, model_checkpoint",
    })
    void aNameThatCheckpointsUseIsAccepted(String module, String name) {
        assertThat(Checkpoints.open(file(evil().global(module, name).endDict())).tensors())
                .containsOnlyKeys("a");
    }

    @Test
    void aPayloadBeforeGarbageIsRefusedForThePayload() {
        byte[] pickle = new PickleBytes()
                .global("os", "system")
                .text(command())
                .op(0x85, 'R', 0xFF, 0xFE)
                .raw("garbage")
                .bytes();

        assertRefused(file(pickle), Reason.FORBIDDEN_GLOBAL, "os.system");
    }

    @Test
    void aPayloadWhoseResultIsDroppedIsRefused() {
        byte[] pickle = new PickleBytes()
                .global("os", "system")
                .text(command())
                .op(0x85, 'R', '0')
                .op('}', '.')
                .bytes();

        assertRefused(file(pickle), Reason.FORBIDDEN_GLOBAL, "os.system");
    }

    @Test
    void aPayloadInTheStateOfAnObjectIsRefused() {
        byte[] pickle = evil().global("collections", "OrderedDict")
                .op(')', 'R', '}')
                .text("__setstate__")
                .global("os", "system")
                .op('s', 'b')
                .endDict();

        assertRefused(file(pickle), Reason.FORBIDDEN_GLOBAL, "os.system");
    }

    @Test
    void aNameThatDrivesATerminalIsShownWithoutItsControlCharacters() {
        assertRefused(
                file(evil().stackGlobal("os\u001b[2J\u202e", "system\n").endDict()),
                Reason.FORBIDDEN_GLOBAL,
                "os?[2J?.system?");
    }

    @Test
    void aNameOfAMillionLettersIsShortened() {
        assertRefused(
                file(evil().global("o".repeat(1_000_000), "system").endDict()),
                Reason.FORBIDDEN_GLOBAL,
                "oooooooooo",
                "nothing was run");
    }

    @Test
    void aNameOfSomethingOtherThanTextsIsRefused() {
        assertRefused(file(evil().op('N', 'N', 0x93).endDict()), Reason.BAD_PICKLE, "text");
        assertRefused(file(evil().text("os").op('K', 1, 0x93).endDict()), Reason.BAD_PICKLE, "text");
    }

    @Test
    void callingSomethingThatIsNoNameIsRefused() {
        assertRefused(file(evil().text("os.system").op(')', 'R').endDict()), Reason.BAD_PICKLE, "not a name");
        assertRefused(file(evil().op(')', ')', 0x81).endDict()), Reason.BAD_PICKLE, "not a name");
    }

    /** Opcodes that can call something, or that torch.save never writes. */
    static Stream<byte[]> operationsThatCheckpointsDoNotUse() {
        return Stream.of(
                evil().raw("(ios\nsystem\n").endDict(), // INST
                evil().raw("(").global("collections", "OrderedDict").raw("o").endDict(), // OBJ
                evil().op(0x82, 1).endDict(), // EXT1
                evil().op(0x83, 1, 0).endDict(), // EXT2
                evil().op(0x84).i32(1).endDict(), // EXT4
                evil().raw("Pid\n").endDict(), // PERSID
                evil().raw("I1\n").endDict(), // INT
                evil().raw("S'x'\n").endDict(), // STRING
                evil().raw("g0\n").endDict(), // GET
                evil().raw("N2").endDict(), // DUP
                evil().raw("N0").endDict(), // POP
                evil().raw("(1").endDict(), // POP_MARK
                evil().op(0x97).endDict(), // NEXT_BUFFER
                evil().op(0xFF).endDict(),
                evil().op(0).endDict());
    }

    @ParameterizedTest
    @MethodSource("operationsThatCheckpointsDoNotUse")
    void anOperationThatCheckpointsDoNotUseIsRefused(byte[] pickle) {
        assertRefused(file(pickle), Reason.BAD_PICKLE, "byte ", "operation 0x");
    }

    static Stream<byte[]> lengthsBeyondTheEnd() {
        return Stream.of(
                evil().op('X').i32(-1).endDict(), // BINUNICODE of 4 GB
                evil().op('X').i32(1000).endDict(),
                evil().op(0x8C, 255).endDict(), // SHORT_BINUNICODE
                evil().op(0x8D).i64(Long.MAX_VALUE).endDict(), // BINUNICODE8
                evil().op(0x8D).i64(-1).endDict(),
                evil().op(0x8D).i64(1L << 32).endDict(),
                evil().op('T').i32(-1).endDict(), // BINSTRING
                evil().op('U', 255).endDict(), // SHORT_BINSTRING
                evil().op('B').i32(-1).endDict(), // BINBYTES
                evil().op('C', 255).endDict(), // SHORT_BINBYTES
                evil().op(0x8E).i64(1L << 40).endDict(), // BINBYTES8
                evil().op(0x96).i64(-5).endDict(), // BYTEARRAY8
                evil().op(0x8A, 30).endDict(), // LONG1
                evil().raw("cos").bytes(), // GLOBAL without line ends
                evil().raw("cos\nsystem").bytes(),
                evil().op('J', 1, 2).bytes(), // BININT
                evil().op('G', 1, 2).bytes(), // BINFLOAT
                evil().op(0x95, 1).bytes()); // FRAME
    }

    @ParameterizedTest
    @MethodSource("lengthsBeyondTheEnd")
    void aLengthBeyondTheEndIsRefused(byte[] pickle) {
        assertRefused(file(pickle), Reason.BAD_PICKLE, "ends in the middle");
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MAX_VALUE, Integer.MIN_VALUE, -1, 1 << 20})
    void anIntegerOfMillionsOfBytesIsRefused(int length) {
        assertRefused(file(evil().op(0x8B).i32(length).endDict()), Reason.BAD_PICKLE, "integer", "" + length);
    }

    @Test
    void anIntegerOf128BitsIsAcceptedAsARandomSeed() {
        byte[] pickle = evil().op(0x8A, 17).i64(-1).i64(-1).op(0).endDict();

        assertThat(Checkpoints.open(file(pickle)).tensors()).containsOnlyKeys("a");
    }

    static Stream<byte[]> unbalancedStacks() {
        return Stream.of(
                new PickleBytes().op('.').bytes(),
                new PickleBytes().op('R').bytes(),
                new PickleBytes().op(')', 'R').bytes(),
                new PickleBytes().op('N', 'b', '.').bytes(),
                new PickleBytes().op('t').bytes(),
                new PickleBytes().op('N', 0x86).bytes(),
                new PickleBytes().op('(', 'N', 0x86).bytes(),
                new PickleBytes().op('(', '.').bytes(),
                new PickleBytes().op('N', 'a').bytes(),
                new PickleBytes().op(']', 'e').bytes(),
                new PickleBytes().op('(', 'N', 'e').bytes(),
                new PickleBytes().op('}', 'N', 's').bytes(),
                new PickleBytes().op('}', '(', 'N', 'u').bytes(),
                new PickleBytes().op('(', 'N', 'N', 'u').bytes(),
                new PickleBytes().op('N', '(', 'N', 'N', 'u', '.').bytes(),
                new PickleBytes().op('}', 'N', 'a', '.').bytes(),
                new PickleBytes().op(']', 'N', 'N', 's', '.').bytes(),
                new PickleBytes().op('q', 0).bytes(),
                new PickleBytes().op('(', 'q', 0, 'h', 0).bytes(),
                new PickleBytes().op(0x94).bytes(),
                new PickleBytes().op('h', 0).bytes(),
                new PickleBytes().op('j').i32(-1).bytes(),
                new PickleBytes().op('Q').bytes(),
                new PickleBytes().op('N', 'Q').bytes(),
                new PickleBytes().op('N', 0x93).bytes());
    }

    @ParameterizedTest
    @MethodSource("unbalancedStacks")
    void anUnbalancedPickleIsRefused(byte[] pickle) {
        assertRefused(file(pickle), Reason.BAD_PICKLE, "its pickle is damaged: ");
    }

    @Test
    void everyTruncationIsRefused() {
        byte[] pickle = PickleBytes.stateDict().endDict();
        for (int length = 0; length < pickle.length; length++) {
            assertRefused(file(Arrays.copyOf(pickle, length)), Reason.BAD_PICKLE, "its pickle ends in the middle");
        }
    }

    @Test
    void aListThatContainsItselfIsHarmless() {
        byte[] pickle = evil().op(']', 'q', 0, 'h', 0, 'a')
                .text("dict")
                .op('}', 'q', 1)
                .text("self")
                .op('h', 1, 's')
                .text("tuple")
                .op(']', 'q', 2, 'h', 2, 0x85, 'q', 3, 'a')
                .endDict();

        assertThat(Checkpoints.open(file(pickle)).tensors()).containsOnlyKeys("a");
    }

    @Test
    void aStateDictThatContainsItselfIsRead() {
        byte[] pickle = new PickleBytes()
                .op('}', 'q', 0, '(')
                .text("state_dict")
                .op('h', 0)
                .text("a")
                .tensor(6, 0, PickleBytes.sizes(6), PickleBytes.sizes(1))
                .endDict();

        assertThat(Checkpoints.open(file(pickle)).tensors()).containsOnlyKeys("a");
    }

    @Test
    void aTensorAroundItselfIsRefused() {
        // _rebuild_from_type_v2(_rebuild_from_type_v2, Tensor, arguments, {}) where the arguments are the same again
        byte[] pickle = evil().global("torch._tensor", "_rebuild_from_type_v2")
                .op('q', 0, ']', 'q', 1, 'h', 0, 'a')
                .global("torch", "Tensor")
                .op('a', 'h', 1, 'a', '}', 'a', 'R')
                .endDict();

        assertRefused(file(pickle), Reason.BAD_PICKLE, "its pickle is damaged");
    }

    @Test
    void doublingByMemoDoesNotExpand() {
        byte[] bytes = PickleBytes.stateDict()
                .text("bomb")
                .op('(')
                .raw(doubling(200))
                .op('t')
                .endDict();
        assertThat(Checkpoints.open(file(bytes)).tensors()).containsOnlyKeys("a");
    }

    /** A list, the pair of it and itself, the pair of that and itself, … by memo. */
    private static String doubling(int levels) {
        StringBuilder code = new StringBuilder("]q\0");
        for (int level = 0; level < levels; level++) {
            code.append('h')
                    .append((char) level)
                    .append('h')
                    .append((char) level)
                    .append('\u0086');
            code.append('q').append((char) (level + 1));
        }
        return code.toString();
    }

    @Test
    void deepNestingDoesNotOverflow() {
        int depth = 200_000;
        byte[] bytes = evil().raw("(".repeat(depth)).raw("t".repeat(depth)).endDict();

        assertThat(Checkpoints.open(file(bytes)).tensors()).containsOnlyKeys("a");
    }

    @ParameterizedTest
    @ValueSource(strings = {"N", "]", "}\u0094", "]\u0094", "(", "}NNs", "]Na", "N\u0085"})
    void aPickleOfMillionsOfOperationsIsRefusedBeforeItFillsTheMemory(String operations) {
        byte[] bytes =
                evil().raw(operations.repeat(2_500_000 / operations.length())).endDict();

        assertRefused(file(bytes), Reason.BAD_PICKLE, "operations");
    }

    @Test
    void aPickleLargerThanAnyCheckpointNeedsIsRefused() {
        assertRefused(file(new byte[(64 << 20) + 1]), Reason.BAD_PICKLE, "67108865 bytes");
    }

    @Test
    void whatFollowsTheEndIsNotRead() {
        byte[] pickle = PickleBytes.stateDict().endDict();

        byte[] longer = Arrays.copyOf(pickle, pickle.length + 100);

        assertThat(Checkpoints.open(file(longer)).tensors()).containsOnlyKeys("a");
    }

    @Test
    void randomOperationsAreReadOrRefused() {
        Random random = new Random(4711);
        int[] opcodes = IntStream.concat(
                        "NJKMGXUTBC()]}taesuqrhjcQRb.".chars(),
                        IntStream.of(
                                0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8F, 0x90, 0x93, 0x94,
                                0x95))
                .toArray();
        Path path = folder.resolve("fuzz");
        for (int run = 0; run < 20_000; run++) {
            PickleBytes pickle = new PickleBytes().op(']', '}', ')', '(');
            for (int i = random.nextInt(40); i >= 0; i--) {
                pickle.op(random.nextInt(8) == 0 ? random.nextInt(256) : opcodes[random.nextInt(opcodes.length)]);
            }
            byte[] bytes = pickle.op('.').bytes();
            assertThatCode(() -> {
                        try {
                            PickleMachine.read(path, java.lang.foreign.MemorySegment.ofArray(bytes));
                        } catch (InvalidCheckpointException _) {
                            // refused
                        }
                    })
                    .as(() -> Arrays.toString(bytes))
                    .doesNotThrowAnyException();
        }
    }
}
