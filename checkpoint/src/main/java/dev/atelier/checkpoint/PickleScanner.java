package dev.atelier.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Walks through pickles of any protocol, from 0 to 5, and notes each name that one of them asks for. Unlike
 * {@link PickleMachine}, which refuses what checkpoints do not use, it goes on after whatever it meets. Nothing is looked up, called
 * or built: of the values it only follows texts, because STACK_GLOBAL takes its names from the stack, where they may have come by
 * way of the memo.
 */
final class PickleScanner {
    private static final int MAX_OPERATIONS = 5_000_000;
    private static final int MAX_STACK = 1_000_000;
    private static final int MAX_NESTING = 3;
    private static final int MAX_FINDINGS = 10_000;

    /** What lies on the stack where a text does not. */
    private static final Object OTHER = new Object();

    private static final Object MARK = new Object();

    private final String stream;
    private final ByteBuffer code;
    private final int nesting;
    private final ScanReport.Collector found;
    private final List<Object> stack = new ArrayList<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private int operations;

    private PickleScanner(String stream, byte[] bytes, int nesting, ScanReport.Collector found) {
        this.stream = stream;
        this.code = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        this.nesting = nesting;
        this.found = found;
    }

    /**
     * Scans {@code bytes} as pickles one behind the other.
     *
     * @param limit how many pickles there are; what follows them is not looked at
     * @return how many bytes they take
     */
    static int scan(String stream, byte[] bytes, int limit, ScanReport.Collector found) {
        return scan(stream, bytes, limit, 0, found);
    }

    private static int scan(String stream, byte[] bytes, int limit, int nesting, ScanReport.Collector found) {
        PickleScanner scanner = new PickleScanner(stream, bytes, nesting, found);
        int pickles = 0;
        while (pickles < limit && scanner.code.hasRemaining()) {
            int start = scanner.code.position();
            if (pickles == 1 && limit == Integer.MAX_VALUE) {
                found.problem(stream, start, "more follows the end of its pickle");
            }
            try {
                if (!scanner.pickle()) {
                    break;
                }
            } catch (BufferUnderflowException _) {
                found.problem(stream, start, "the pickle that starts here ends in the middle");
                break;
            }
            pickles++;
        }
        return scanner.code.position();
    }

    /** Walks through one pickle; false, if it cannot be followed to its end. */
    private boolean pickle() {
        stack.clear();
        memo.clear();
        while (true) {
            int at = code.position();
            if (operations++ > MAX_OPERATIONS || stack.size() > MAX_STACK) {
                found.problem(stream, at, "the pickle is too long to be followed");
                return false;
            }
            if (found.size() > MAX_FINDINGS) {
                found.problem(stream, at, "too many names to list");
                return false;
            }
            int opcode = code.get() & 0xFF;
            switch (opcode) {
                case '.' -> { // STOP
                    return true;
                }
                case 0x80 -> code.get(); // PROTO
                case 0x95 -> code.getLong(); // FRAME

                case 'N', 0x88, 0x89, ')', ']', '}', 0x8F, 0x97 -> push(OTHER);
                case 'J' -> skipAndPush(4);
                case 'K' -> skipAndPush(1);
                case 'M' -> skipAndPush(2);
                case 'G' -> skipAndPush(8);
                case 0x8A -> skipAndPush(code.get() & 0xFF); // LONG1
                case 0x8B -> skipAndPush(code.getInt()); // LONG4
                case 'I', 'L', 'F', 'P' -> { // INT, LONG, FLOAT, PERSID
                    line();
                    push(OTHER);
                }
                case 'S' -> push(quoted(text(lineBytes(), ISO_8859_1))); // STRING
                case 'V' ->
                    push(text(lineBytes(), UTF_8)); // UNICODE: an escape leaves its backslash, which no name has
                case 'T' -> pushText(code.getInt() & 0xFFFF_FFFFL, at); // BINSTRING
                case 'U', 0x8C -> pushText(code.get() & 0xFF, at); // SHORT_BINSTRING, SHORT_BINUNICODE
                case 'X' -> pushText(code.getInt() & 0xFFFF_FFFFL, at); // BINUNICODE
                case 0x8D -> pushText(code.getLong(), at); // BINUNICODE8
                case 'B' -> pushBytes(code.getInt() & 0xFFFF_FFFFL, at); // BINBYTES
                case 'C' -> pushBytes(code.get() & 0xFF, at); // SHORT_BINBYTES
                case 0x8E, 0x96 -> pushBytes(code.getLong(), at); // BINBYTES8, BYTEARRAY8

                case '(' -> push(MARK);
                case '0' -> pop(); // POP
                case '1', 'e', 'u', 0x90 -> popToMark(); // POP_MARK, APPENDS, SETITEMS, ADDITEMS
                case '2' -> push(peek()); // DUP
                case 'a', 'b' -> pop(); // APPEND, BUILD
                case 's' -> popAll(2); // SETITEM
                case 't', 'l', 'd', 0x91 -> { // TUPLE, LIST, DICT, FROZENSET
                    popToMark();
                    push(OTHER);
                }
                case 0x85, 'Q', 0x98 -> replace(1); // TUPLE1, BINPERSID, READONLY_BUFFER
                case 0x86, 'R', 0x81 -> replace(2); // TUPLE2, REDUCE, NEWOBJ
                case 0x87, 0x92 -> replace(3); // TUPLE3, NEWOBJ_EX

                case 'p' -> memo.put(number(line()), peek()); // PUT
                case 'q' -> memo.put(code.get() & 0xFFL, peek()); // BINPUT
                case 'r' -> memo.put(code.getInt() & 0xFFFF_FFFFL, peek()); // LONG_BINPUT
                case 0x94 -> memo.put((long) memo.size(), peek()); // MEMOIZE
                case 'g' -> push(recall(number(line()))); // GET
                case 'h' -> push(recall(code.get() & 0xFFL)); // BINGET
                case 'j' -> push(recall(code.getInt() & 0xFFFF_FFFFL)); // LONG_BINGET

                case 'c' -> { // GLOBAL
                    found.global(stream, at, line(), line());
                    push(OTHER);
                }
                case 'i' -> { // INST
                    found.global(stream, at, line(), line());
                    found.problem(stream, at, "it builds an object with INST, which torch never writes");
                    popToMark();
                    push(OTHER);
                }
                case 'o' -> { // OBJ: its class was asked for before
                    found.problem(stream, at, "it builds an object with OBJ, which torch never writes");
                    popToMark();
                    push(OTHER);
                }
                case 0x93 -> { // STACK_GLOBAL
                    Object name = pop();
                    Object module = pop();
                    if (module instanceof String m && name instanceof String n) {
                        found.global(stream, at, m, n);
                    } else {
                        found.problem(stream, at, "it asks for a name that it computes");
                    }
                    push(OTHER);
                }
                case 0x82, 0x83, 0x84 -> { // EXT1, EXT2, EXT4
                    code.position(code.position() + Math.min(code.remaining(), 1 << (opcode - 0x82)));
                    found.problem(stream, at, "it asks for a name by its number in the extension registry");
                    push(OTHER);
                }
                default -> {
                    found.problem(stream, at, "byte 0x%02X is no operation of any pickle".formatted(opcode));
                    return false;
                }
            }
        }
    }

    private void push(Object value) {
        stack.add(value);
    }

    /** A pickle that takes from an empty stack fails when it is loaded, but what it did before is done. */
    private Object pop() {
        return stack.isEmpty() ? OTHER : stack.removeLast();
    }

    private Object peek() {
        return stack.isEmpty() ? OTHER : stack.getLast();
    }

    private void popAll(int count) {
        for (int i = 0; i < count; i++) {
            pop();
        }
    }

    private void replace(int count) {
        popAll(count);
        push(OTHER);
    }

    private void popToMark() {
        while (!stack.isEmpty() && stack.removeLast() != MARK) {}
    }

    private Object recall(long index) {
        return memo.getOrDefault(index, OTHER);
    }

    private void skipAndPush(int length) {
        code.position(code.position() + checked(length));
        push(OTHER);
    }

    private int checked(long length) {
        if (length < 0 || length > code.remaining()) {
            throw new BufferUnderflowException();
        }
        return (int) length;
    }

    private void pushText(long length, int at) {
        byte[] bytes = new byte[checked(length)];
        code.get(bytes);
        lookInside(bytes, at);
        push(text(bytes, UTF_8));
    }

    private void pushBytes(long length, int at) {
        byte[] bytes = new byte[checked(length)];
        code.get(bytes);
        lookInside(bytes, at);
        push(OTHER);
    }

    /** Bytes that are a pickle themselves: something may be meant to load them. */
    private void lookInside(byte[] bytes, int at) {
        boolean looksLikePickle = bytes.length > 3
                && bytes[0] == (byte) 0x80
                && bytes[1] >= 0
                && bytes[1] <= 5
                && bytes[bytes.length - 1] == '.';
        if (looksLikePickle && nesting < MAX_NESTING) {
            scan("%s, inside byte %d".formatted(stream, at), bytes, 1, nesting + 1, found);
        }
    }

    private static String text(byte[] bytes, Charset charset) {
        return new String(bytes, charset);
    }

    /** The content of a quoted text; with an escape inside, which could spell any character, something that is no name. */
    private static Object quoted(String text) {
        boolean isQuoted = text.length() >= 2
                && (text.charAt(0) == '\'' || text.charAt(0) == '"')
                && text.charAt(text.length() - 1) == text.charAt(0);
        return isQuoted && text.indexOf('\\') < 0 ? text.substring(1, text.length() - 1) : OTHER;
    }

    private String line() {
        return text(lineBytes(), UTF_8);
    }

    private byte[] lineBytes() {
        int start = code.position();
        while (code.get() != '\n') {}
        byte[] bytes = new byte[code.position() - 1 - start];
        code.get(start, bytes);
        return bytes;
    }

    private static long number(String text) {
        return text.strip().matches("\\d{1,18}") ? Long.parseLong(text.strip()) : -1;
    }
}
