package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Shape;
import dev.atelier.model.FloatArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.Set;
import java.util.stream.LongStream;

/** An ONNX graph under construction. The numbers of fields are those of the ONNX project's {@code onnx.proto}. */
final class OnnxGraph {
    /** The operators that nodes may use: ONNX's own, and those that ONNX Runtime adds. */
    private static final int ONNX_OPERATORS = 20;

    private static final String MICROSOFT = "com.microsoft";
    private static final int MICROSOFT_OPERATORS = 1;

    /** The version of the file format that came with operator set 20. */
    private static final int IR_VERSION = 9;

    /** Element types, as {@code TensorProto.DataType} numbers them. */
    enum ElementType {
        FLOAT(1),
        INT64(7);

        private final int number;

        ElementType(int number) {
            this.number = number;
        }
    }

    private static final int EXTERNAL = 1; // of TensorProto.DataLocation

    private final ProtobufMessage graph = new ProtobufMessage();
    private final SequencedSet<String> weights = new LinkedHashSet<>();
    private final Set<String> folded = new HashSet<>();
    private int names;

    OnnxGraph(String name) {
        graph.set(2, name);
    }

    /** @param axes the size of each axis, or a name for a size that differs from run to run */
    GraphValue input(String name, ElementType type, List<String> axes) {
        graph.set(11, description(name, type, axes));
        return new GraphValue(name);
    }

    /** Makes {@code value}, of fp32 numbers, an output. */
    void output(String name, GraphValue value, List<String> axes) {
        add("", "Identity", List.of(value), List.of(new GraphValue(name)));
        graph.set(12, description(name, ElementType.FLOAT, axes));
    }

    /** A tensor of fp32 numbers that lie outside the graph, from byte {@code offset} of the file {@code location} on. */
    GraphValue weight(String name, Shape shape, String location, long offset) {
        if (weights.add(name)) {
            graph.set(
                    5,
                    tensor(name, ElementType.FLOAT, shape.sizes())
                            .set(13, entry("location", location))
                            .set(13, entry("offset", Long.toString(offset)))
                            .set(13, entry("length", Long.toString(shape.elements() * Float.BYTES)))
                            .set(14, EXTERNAL));
        }
        return new GraphValue(name);
    }

    /** The names of all weights, in the order of their use. */
    SequencedSet<String> weights() {
        return Collections.unmodifiableSequencedSet(weights);
    }

    /**
     * The same value. Said of a weight that a node computes something constant from, which ONNX Runtime does once, when
     * it loads the graph.
     */
    GraphValue folded(GraphValue weight) {
        folded.add(weight.name());
        return weight;
    }

    /** The names of the weights of which {@link #folded(GraphValue)} was said. */
    Set<String> folded() {
        return Collections.unmodifiableSet(folded);
    }

    GraphValue constant(FloatArray values) {
        byte[] raw = new byte[values.values().length * Float.BYTES];
        littleEndian(raw).asFloatBuffer().put(values.values());
        long[] shape = LongStream.range(0, values.shape().length)
                .map(axis -> values.size((int) axis))
                .toArray();
        return constant(ElementType.FLOAT, shape, raw);
    }

    /** A vector of integers: axes, sizes and the like. */
    GraphValue constant(long... values) {
        byte[] raw = new byte[values.length * Long.BYTES];
        littleEndian(raw).asLongBuffer().put(values);
        return constant(ElementType.INT64, new long[] {values.length}, raw);
    }

    private GraphValue constant(ElementType type, long[] shape, byte[] raw) {
        GraphValue value = newValue("constant");
        graph.set(5, tensor(value.name(), type, shape).set(9, raw));
        return value;
    }

    /** Adds a node of one output with one of ONNX's own operators. */
    GraphValue onnx(String operator, List<GraphValue> inputs, Attribute... attributes) {
        return onnx(1, operator, inputs, attributes).getFirst();
    }

    /** Adds a node of several outputs with one of ONNX's own operators. */
    List<GraphValue> onnx(int outputs, String operator, List<GraphValue> inputs, Attribute... attributes) {
        List<GraphValue> made = new ArrayList<>();
        for (int i = 0; i < outputs; i++) {
            made.add(newValue(operator));
        }
        add("", operator, inputs, made, attributes);
        return made;
    }

    /** Adds a node with one of the operators that only ONNX Runtime has. */
    GraphValue microsoft(String operator, List<GraphValue> inputs, Attribute... attributes) {
        GraphValue made = newValue(operator);
        add(MICROSOFT, operator, inputs, List.of(made), attributes);
        return made;
    }

    private GraphValue newValue(String kind) {
        return new GraphValue(kind + "_" + names++);
    }

    private void add(
            String domain,
            String operator,
            List<GraphValue> inputs,
            List<GraphValue> outputs,
            Attribute... attributes) {
        ProtobufMessage node = new ProtobufMessage();
        inputs.forEach(input -> node.set(1, input.name()));
        outputs.forEach(output -> node.set(2, output.name()));
        node.set(3, outputs.getFirst().name()).set(4, operator).set(7, domain);
        for (Attribute attribute : attributes) {
            node.set(5, attribute.proto());
        }
        graph.set(1, node);
    }

    /** The graph as an ONNX model. */
    byte[] toBytes() {
        return new ProtobufMessage()
                .set(1, IR_VERSION)
                .set(2, "atelier")
                .set(7, graph)
                .set(8, new ProtobufMessage().set(1, "").set(2, ONNX_OPERATORS))
                .set(8, new ProtobufMessage().set(1, MICROSOFT).set(2, MICROSOFT_OPERATORS))
                .toBytes();
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ProtobufMessage tensor(String name, ElementType type, long[] shape) {
        ProtobufMessage tensor = new ProtobufMessage().set(2, type.number).set(8, name);
        LongStream.of(shape).forEach(size -> tensor.set(1, size));
        return tensor;
    }

    private static ProtobufMessage description(String name, ElementType type, List<String> axes) {
        ProtobufMessage shape = new ProtobufMessage();
        for (String axis : axes) {
            boolean fixed = axis.chars().allMatch(Character::isDigit);
            ProtobufMessage size = new ProtobufMessage();
            shape.set(1, fixed ? size.set(1, Long.parseLong(axis)) : size.set(2, axis));
        }
        ProtobufMessage tensor = new ProtobufMessage().set(1, type.number).set(2, shape);
        return new ProtobufMessage().set(1, name).set(2, new ProtobufMessage().set(1, tensor));
    }

    private static ProtobufMessage entry(String key, String value) {
        return new ProtobufMessage().set(1, key).set(2, value);
    }
}
