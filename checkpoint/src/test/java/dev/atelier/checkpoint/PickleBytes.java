package dev.atelier.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Assembles pickles opcode by opcode. */
final class PickleBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** An empty pickle of protocol 2. */
    PickleBytes() {
        op(0x80, 2);
    }

    /** A pickle of a state dict with the F32 tensor "a" of shape [2, 3] in data/0, left open for more entries. */
    static PickleBytes stateDict() {
        return new PickleBytes().op('}', '(').text("a").tensor(6, 0, sizes(2, 3), sizes(3, 1));
    }

    static long[] sizes(long... sizes) {
        return sizes;
    }

    byte[] bytes() {
        return out.toByteArray();
    }

    /** Closes what {@link #stateDict} opened. */
    byte[] endDict() {
        return op('u', '.').bytes();
    }

    PickleBytes op(int... opcodes) {
        for (int opcode : opcodes) {
            out.write(opcode);
        }
        return this;
    }

    PickleBytes raw(String latin1) {
        out.writeBytes(latin1.getBytes(StandardCharsets.ISO_8859_1));
        return this;
    }

    PickleBytes i32(int value) {
        out.writeBytes(little(4).putInt(value).array());
        return this;
    }

    PickleBytes i64(long value) {
        out.writeBytes(little(8).putLong(value).array());
        return this;
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** BINUNICODE */
    PickleBytes text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        op('X').i32(utf8.length);
        out.writeBytes(utf8);
        return this;
    }

    /** LONG1 of eight bytes */
    PickleBytes integer(long value) {
        return op(0x8A, 8).i64(value);
    }

    PickleBytes tuple(long... values) {
        op('(');
        for (long value : values) {
            integer(value);
        }
        return op('t');
    }

    /** GLOBAL */
    PickleBytes global(String module, String name) {
        return raw("c" + module + "\n" + name + "\n");
    }

    /** STACK_GLOBAL on two fresh texts */
    PickleBytes stackGlobal(String module, String name) {
        return text(module).text(name).op(0x93);
    }

    /** STACK_GLOBAL on two texts that were pushed, remembered and popped into a list long before */
    PickleBytes hiddenGlobal(String module, String name) {
        return op(']').text(module)
                .op('q', 250, 'a')
                .text(name)
                .op('q', 251, 'a')
                .op('h', 250, 'h', 251, 0x93);
    }

    /** ('storage', class, key, 'cpu', elements) as a persistent id */
    PickleBytes storage(String type, String key, long elements) {
        return op('(').text("storage")
                .global("torch", type)
                .text(key)
                .text("cpu")
                .integer(elements)
                .op('t', 'Q');
    }

    /** A tensor in data/0, which is said to hold so many floats. */
    PickleBytes tensor(long elements, long offset, long[] sizes, long[] strides) {
        return tensor("FloatStorage", elements, offset, sizes, strides);
    }

    PickleBytes tensor(String type, long elements, long offset, long[] sizes, long[] strides) {
        return global("torch._utils", "_rebuild_tensor_v2")
                .op('(')
                .storage(type, "0", elements)
                .integer(offset)
                .tuple(sizes)
                .tuple(strides)
                .op(0x89)
                .global("collections", "OrderedDict")
                .op(')', 'R', 't', 'R');
    }
}
