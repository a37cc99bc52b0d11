package dev.atelier.engine.onnx;

import java.util.stream.LongStream;

/** A setting of a node, encoded as ONNX's {@code AttributeProto}. */
record Attribute(ProtobufMessage proto) {
    private static final int FLOAT = 1;
    private static final int INT = 2;
    private static final int STRING = 3;
    private static final int INTS = 7;

    static Attribute of(String name, float value) {
        return new Attribute(named(name, FLOAT).set(2, value));
    }

    static Attribute of(String name, long value) {
        return new Attribute(named(name, INT).set(3, value));
    }

    static Attribute of(String name, String value) {
        return new Attribute(named(name, STRING).set(4, value));
    }

    static Attribute of(String name, long[] values) {
        ProtobufMessage proto = named(name, INTS);
        LongStream.of(values).forEach(value -> proto.set(8, value));
        return new Attribute(proto);
    }

    private static ProtobufMessage named(String name, int type) {
        return new ProtobufMessage().set(1, name).set(20, type);
    }
}
