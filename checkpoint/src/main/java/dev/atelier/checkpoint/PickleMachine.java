package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_PICKLE;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.FORBIDDEN_GLOBAL;
import static dev.atelier.checkpoint.InvalidCheckpointException.shortened;

import dev.atelier.checkpoint.PickleValue.Bytes;
import dev.atelier.checkpoint.PickleValue.Dict;
import dev.atelier.checkpoint.PickleValue.Flag;
import dev.atelier.checkpoint.PickleValue.Global;
import dev.atelier.checkpoint.PickleValue.Inert;
import dev.atelier.checkpoint.PickleValue.Int;
import dev.atelier.checkpoint.PickleValue.Mark;
import dev.atelier.checkpoint.PickleValue.None;
import dev.atelier.checkpoint.PickleValue.Real;
import dev.atelier.checkpoint.PickleValue.Sequence;
import dev.atelier.checkpoint.PickleValue.Storage;
import dev.atelier.checkpoint.PickleValue.Strided;
import dev.atelier.checkpoint.PickleValue.Text;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a pickle as data. The real pickle machine imports and calls whatever the file names; this one has no way to:
 * a GLOBAL becomes an inert name, and a call is understood only if the name is on the list of {@link TorchGlobals}.
 * Everything else is refused by name. What is left to guard against are resources, hence the limits.
 *
 * <p>Opcodes: those that {@code torch.save} writes with protocols 2 to 5. Protocol 0/1 text opcodes, INST, OBJ and the
 * extension registry do not occur in checkpoints.
 */
final class PickleMachine {
    static final int MAX_BYTES = 64 << 20;
    /** Each can create an object of a hundred bytes. A training checkpoint of Stable Diffusion takes some 200 000. */
    private static final int MAX_OPERATIONS = 2_000_000;

    private static final int MAX_INTEGER_BYTES = 32;

    private final Path file;
    private final ByteBuffer code;
    private final List<PickleValue> stack = new ArrayList<>();
    private final Map<Long, PickleValue> memo = new HashMap<>();
    private final Map<String, Storage> storages = new HashMap<>();

    /**
     * What a pickle says.
     *
     * @param length its length in bytes; something else may follow
     * @param storages every storage it refers to, by key
     */
    record Pickle(PickleValue value, int length, Map<String, Storage> storages) {}

    private PickleMachine(Path file, ByteBuffer code) {
        this.file = file;
        this.code = code;
    }

    /** The value that {@code pickle} leaves on the stack. */
    static Pickle read(Path file, MemorySegment pickle) {
        if (pickle.byteSize() > MAX_BYTES) {
            throw new InvalidCheckpointException(
                    file,
                    BAD_PICKLE,
                    "its pickle takes %d bytes, more than %d".formatted(pickle.byteSize(), MAX_BYTES));
        }
        byte[] bytes = pickle.toArray(ValueLayout.JAVA_BYTE);
        PickleMachine machine = new PickleMachine(file, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        try {
            PickleValue value = machine.run();
            return new Pickle(value, machine.code.position(), machine.storages);
        } catch (BufferUnderflowException e) {
            throw new InvalidCheckpointException(file, BAD_PICKLE, "its pickle ends in the middle", e);
        }
    }

    private PickleValue run() {
        for (int operation = 0; operation < MAX_OPERATIONS; operation++) {
            int at = code.position();
            int opcode = u8();
            switch (opcode) {
                case 0x80 -> u8(); // PROTO
                case 0x95 -> code.getLong(); // FRAME
                case '.' -> { // STOP
                    return pop();
                }

                case 'N' -> push(None.NONE);
                case 0x88 -> push(new Flag(true));
                case 0x89 -> push(new Flag(false));
                case 'J' -> push(new Int(code.getInt()));
                case 'K' -> push(new Int(u8()));
                case 'M' -> push(new Int(code.getShort() & 0xFFFF));
                case 0x8A -> push(integer(u8())); // LONG1
                case 0x8B -> push(integer(code.getInt())); // LONG4
                case 'G' -> push(new Real(Double.longBitsToDouble(Long.reverseBytes(code.getLong()))));
                case 'X' -> push(new Text(text(length(code.getInt() & 0xFFFF_FFFFL)))); // BINUNICODE
                case 0x8C -> push(new Text(text(u8()))); // SHORT_BINUNICODE
                case 0x8D -> push(new Text(text(length(code.getLong())))); // BINUNICODE8
                case 'U' -> push(new Text(text(u8()))); // SHORT_BINSTRING
                case 'T' -> push(new Text(text(length(code.getInt())))); // BINSTRING
                case 'B' -> push(bytes(length(code.getInt() & 0xFFFF_FFFFL))); // BINBYTES
                case 'C' -> push(bytes(u8())); // SHORT_BINBYTES
                case 0x8E, 0x96 -> push(bytes(length(code.getLong()))); // BINBYTES8, BYTEARRAY8

                case '(' -> push(Mark.MARK);
                case ')', ']', 0x8F -> push(new Sequence()); // EMPTY_TUPLE, EMPTY_LIST, EMPTY_SET
                case '}' -> push(new Dict());
                case 't', 0x91 -> push(Sequence.of(popToMark())); // TUPLE, FROZENSET
                case 0x85 -> push(Sequence.of(popLast(1)));
                case 0x86 -> push(Sequence.of(popLast(2)));
                case 0x87 -> push(Sequence.of(popLast(3)));
                case 'a' -> { // APPEND
                    PickleValue item = pop();
                    sequence(peek()).items.add(item);
                }
                case 'e', 0x90 -> { // APPENDS, ADDITEMS
                    List<PickleValue> items = popToMark();
                    sequence(peek()).items.addAll(items);
                }
                case 's' -> { // SETITEM
                    List<PickleValue> pair = popLast(2);
                    dict(peek()).put(pair.getFirst(), pair.getLast());
                }
                case 'u' -> { // SETITEMS
                    List<PickleValue> pairs = popToMark();
                    Dict dict = dict(peek());
                    if (pairs.size() % 2 != 0) {
                        throw invalid("a dict has a key without a value");
                    }
                    for (int i = 0; i < pairs.size(); i += 2) {
                        dict.put(pairs.get(i), pairs.get(i + 1));
                    }
                }

                case 'q' -> memo.put((long) u8(), peek()); // BINPUT
                case 'r' -> memo.put(code.getInt() & 0xFFFF_FFFFL, peek()); // LONG_BINPUT
                case 0x94 -> memo.put((long) memo.size(), peek()); // MEMOIZE
                case 'h' -> push(recall(u8())); // BINGET
                case 'j' -> push(recall(code.getInt() & 0xFFFF_FFFFL)); // LONG_BINGET

                case 'c' -> push(global(line(), line())); // GLOBAL
                case 0x93 -> { // STACK_GLOBAL
                    List<PickleValue> names = popLast(2);
                    push(global(textOf(names.getFirst()), textOf(names.getLast())));
                }
                case 'Q' -> push(storage(sequence(pop()).items)); // BINPERSID
                case 'R', 0x81 -> { // REDUCE, NEWOBJ
                    Sequence arguments = sequence(pop());
                    push(call(pop(), arguments.items));
                }
                case 'b' -> build(pop()); // BUILD
                default ->
                    throw invalid("byte %d of its pickle is the operation 0x%02X, which checkpoints do not use"
                            .formatted(at, opcode));
            }
        }
        throw invalid("its pickle runs for more than %d operations".formatted(MAX_OPERATIONS));
    }

    private Global global(String module, String name) {
        Global global = new Global(module, name);
        if (!TorchGlobals.isHarmless(global)) {
            throw new InvalidCheckpointException(
                    file,
                    FORBIDDEN_GLOBAL,
                    "its pickle asks for \"%s\", which no checkpoint needs and which could run a program; nothing was run"
                            .formatted(shortened(global.toString())));
        }
        return global;
    }

    /** The persistent id ('storage', storage class, key, location, elements); files before 1.6 add a view, or None. */
    private Storage storage(List<PickleValue> id) {
        boolean wellFormed = id.size() == 5 || (id.size() == 6 && id.get(5) == None.NONE);
        if (!wellFormed || !(id.get(0) instanceof Text(String kind)) || !kind.equals("storage")) {
            throw invalid("a persistent id is not that of a storage");
        }
        if (!(id.get(1) instanceof Global type)) {
            throw invalid("a storage has no type");
        }
        String key = textOf(id.get(2));
        long elements = intOf(id.get(4));
        Storage storage = TorchGlobals.storageType(type)
                .map(dtype -> new Storage(dtype, true, key, elements))
                .orElseGet(() -> {
                    if (!TorchGlobals.isUntypedStorage(type)) {
                        throw invalid("%s is not a type of storage that can be read".formatted(type));
                    }
                    return new Storage(DType.U8, false, key, elements);
                });
        storages.put(key, storage);
        return storage;
    }

    private PickleValue call(PickleValue callable, List<PickleValue> arguments) {
        if (!(callable instanceof Global global)) {
            throw invalid("it calls something that is not a name");
        }
        return switch (global.toString()) {
            case "collections.OrderedDict" -> dictOf(arguments);
            case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" -> strided(arguments, false);
            case "torch._utils._rebuild_tensor_v3" -> strided(arguments, true);
            case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state" ->
                argument(arguments, 0);
            case "torch.Size", "builtins.set", "__builtin__.set", "builtins.list", "builtins.tuple" ->
                arguments.isEmpty() ? new Sequence() : argument(arguments, 0);
            case "torch._tensor._rebuild_from_type_v2" -> {
                // (function, type, its arguments, state): a tensor that carries attributes
                if (!(argument(arguments, 0) instanceof Global rebuild) || rebuild.equals(global)) {
                    throw invalid("a tensor is not rebuilt by a name");
                }
                yield call(rebuild, sequence(argument(arguments, 2)).items);
            }
            default -> new Inert(global);
        };
    }

    /**
     * The state of an object: it says nothing about weights (hooks, module versions), except that of a ParameterDict, in which
     * older textual inversions keep theirs.
     */
    private void build(PickleValue state) {
        if (peek() instanceof Inert(Global origin)
                && origin.toString().equals("torch.nn.modules.container.ParameterDict")
                && state instanceof Dict members
                && members.get("_parameters").orElse(null) instanceof Dict parameters) {
            pop();
            push(parameters);
        }
    }

    /** OrderedDict(), or OrderedDict([(key, value), …]) */
    private Dict dictOf(List<PickleValue> arguments) {
        Dict dict = new Dict();
        if (!arguments.isEmpty()) {
            for (PickleValue pair : sequence(arguments.getFirst()).items) {
                List<PickleValue> keyAndValue = sequence(pair).items;
                if (keyAndValue.size() != 2) {
                    throw invalid("a dict has a key without a value");
                }
                dict.put(keyAndValue.getFirst(), keyAndValue.getLast());
            }
        }
        return dict;
    }

    private Strided strided(List<PickleValue> arguments, boolean typeIsArgument) {
        if (!(argument(arguments, 0) instanceof Storage storage)) {
            throw invalid("a tensor has no storage");
        }
        DType dtype = storage.dtype();
        if (typeIsArgument) {
            if (!(argument(arguments, 6) instanceof Global type)) {
                throw invalid("a tensor has no type");
            }
            dtype = TorchGlobals.dtype(type)
                    .orElseThrow(() -> invalid("%s is not a type that can be read".formatted(type)));
        } else if (!storage.typed()) {
            throw invalid("a tensor without a type lies in an untyped storage");
        }
        return new Strided(
                storage,
                dtype,
                intOf(argument(arguments, 1)),
                longs(argument(arguments, 2)),
                longs(argument(arguments, 3)));
    }

    private PickleValue argument(List<PickleValue> arguments, int index) {
        if (index >= arguments.size()) {
            throw invalid("a call lacks its argument %d".formatted(index + 1));
        }
        return arguments.get(index);
    }

    private long[] longs(PickleValue value) {
        return sequence(value).items.stream().mapToLong(this::intOf).toArray();
    }

    private long intOf(PickleValue value) {
        if (value instanceof Int(long number)) {
            return number;
        }
        throw invalid("an integer was expected");
    }

    private String textOf(PickleValue value) {
        if (value instanceof Text(String text)) {
            return text;
        }
        throw invalid("a text was expected");
    }

    private Sequence sequence(PickleValue value) {
        if (value instanceof Sequence sequence) {
            return sequence;
        }
        throw invalid("a list or tuple was expected");
    }

    private Dict dict(PickleValue value) {
        if (value instanceof Dict dict) {
            return dict;
        }
        throw invalid("a dict was expected");
    }

    private void push(PickleValue value) {
        stack.add(value);
    }

    private PickleValue pop() {
        peek();
        return stack.removeLast();
    }

    private PickleValue peek() {
        if (stack.isEmpty() || stack.getLast() == Mark.MARK) {
            throw invalid("its stack is empty too early");
        }
        return stack.getLast();
    }

    private List<PickleValue> popLast(int count) {
        List<PickleValue> values = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            values.addFirst(pop());
        }
        return values;
    }

    private List<PickleValue> popToMark() {
        int mark = stack.lastIndexOf(Mark.MARK);
        if (mark < 0) {
            throw invalid("a mark is missing");
        }
        List<PickleValue> above = stack.subList(mark + 1, stack.size());
        List<PickleValue> values = List.copyOf(above);
        above.clear();
        stack.removeLast();
        return values;
    }

    private PickleValue recall(long index) {
        PickleValue value = memo.get(index);
        if (value == null) {
            throw invalid("it recalls entry %d, which it never stored".formatted(index));
        }
        return value;
    }

    private int u8() {
        return code.get() & 0xFF;
    }

    private int length(long claimed) {
        if (claimed < 0 || claimed > code.remaining()) {
            throw new BufferUnderflowException();
        }
        return (int) claimed;
    }

    private String text(int length) {
        byte[] bytes = new byte[length(length)];
        code.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private Bytes bytes(int length) {
        code.position(code.position() + length(length));
        return new Bytes(length);
    }

    private String line() {
        int start = code.position();
        while (u8() != '\n') {}
        byte[] bytes = new byte[code.position() - 1 - start];
        code.get(start, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private PickleValue integer(int length) {
        if (length < 0 || length > MAX_INTEGER_BYTES) {
            throw invalid("an integer takes %d bytes".formatted(length));
        }
        byte[] bigEndian = new byte[length + 1];
        for (int i = 0; i < length; i++) {
            bigEndian[length - i] = code.get();
        }
        bigEndian[0] = (byte) (length > 0 && bigEndian[1] < 0 ? -1 : 0);
        BigInteger value = new BigInteger(bigEndian);
        // Larger numbers occur only in training state (random seeds), where their value does not matter.
        return value.bitLength() < 64 ? new Int(value.longValue()) : None.NONE;
    }

    private InvalidCheckpointException invalid(String problem) {
        return new InvalidCheckpointException(file, BAD_PICKLE, "its pickle is damaged: " + problem);
    }
}
