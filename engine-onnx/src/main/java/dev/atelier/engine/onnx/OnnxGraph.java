package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.FloatArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
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
        FLOAT(1, DType.F32),
        INT64(7, DType.I64),
        FLOAT16(10, DType.F16);

        private final int number;
        private final DType dtype;

        ElementType(int number, DType dtype) {
            this.number = number;
            this.dtype = dtype;
        }

        /** What checkpoints call it. */
        DType dtype() {
            return dtype;
        }
    }

    private static final int EXTERNAL = 1; // of TensorProto.DataLocation

    /**
     * A tensor of the checkpoint.
     *
     * @param type {@link ElementType#FLOAT16} is made fp32 when it is used, and takes half the memory until then
     * @param shape in this form
     * @param offset where in the tensor it begins, in bytes of this type
     */
    record Weight(String tensor, WeightForm form, ElementType type, Shape shape, long offset) {
        private Weight(String tensor, WeightForm form, ElementType type, Shape shape) {
            this(tensor, form, type, shape, 0);
        }

        String name() {
            return form == WeightForm.STORED ? tensor : tensor + "/" + form + (form == WeightForm.PART ? offset : "");
        }

        long byteSize() {
            return type.dtype.bytes(shape.elements());
        }
    }

    private final ProtobufMessage graph = new ProtobufMessage();
    private final ProtobufMessage casts = new ProtobufMessage(); // nodes that come first: see take
    private final WeightFile file;
    private final Map<String, Weight> offered = new HashMap<>();
    private final SequencedMap<String, Weight> weights = new LinkedHashMap<>();
    private int names;

    /** @param file where the weights will lie */
    OnnxGraph(String name, WeightFile file) {
        this.file = file;
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

    /** A weight of {@code shape}, which nodes may take as it is stored or {@link #in in another form}. */
    GraphValue weight(String tensor, ElementType type, Shape shape) {
        return offered(new Weight(tensor, WeightForm.STORED, type, shape));
    }

    /** What {@link #weight} gave, in another form. */
    GraphValue in(WeightForm form, GraphValue weight) {
        Weight stored = get(weight);
        ElementType type = form == WeightForm.MATRIX ? stored.type() : ElementType.FLOAT;
        return offered(new Weight(weight.name(), form, type, form.of(stored.shape())));
    }

    /** What {@link #weight} gave, cut into equal parts along its first axis. */
    List<GraphValue> parts(GraphValue weight, int parts) {
        Weight whole = get(weight);
        long[] sizes = whole.shape().sizes();
        sizes[0] /= parts;
        Shape part = Shape.of(sizes);
        return LongStream.range(0, parts)
                .mapToObj(i -> offered(
                        new Weight(whole.tensor(), WeightForm.PART, whole.type(), part, i * whole.byteSize() / parts)))
                .toList();
    }

    private GraphValue offered(Weight weight) {
        offered.putIfAbsent(weight.name(), weight);
        return new GraphValue(weight.name());
    }

    /** Whether {@code value} is what {@link #weight} gave. */
    boolean isWeight(GraphValue value) {
        return offered.containsKey(value.name());
    }

    /** The shape of what {@link #weight} gave. */
    Shape shape(GraphValue weight) {
        return get(weight).shape();
    }

    private Weight get(GraphValue weight) {
        return Objects.requireNonNull(offered.get(weight.name()), weight.name());
    }

    /** The weights that nodes take, in the order of their first use. They lie outside the graph. */
    Collection<Weight> weights() {
        return Collections.unmodifiableCollection(weights.values());
    }

    /**
     * Puts a weight into the graph, and gives the name of its fp32 numbers. Half precision is an input as well, or ONNX
     * Runtime would make it fp32 once and for all; and of what a node waits for it does what came first last, so that the
     * fp32 numbers of all weights are not in memory at once.
     */
    private String take(Weight weight) {
        boolean isHalf = weight.type() == ElementType.FLOAT16;
        String single = isHalf ? weight.name() + "/fp32" : weight.name();
        if (weights.putIfAbsent(weight.name(), weight) == null) {
            long[] sizes = weight.shape().sizes();
            graph.set(
                    5,
                    tensor(weight.name(), weight.type(), sizes)
                            .set(13, entry("location", file.name()))
                            .set(13, entry("offset", Long.toString(file.offset(weight.name()))))
                            .set(13, entry("length", Long.toString(weight.byteSize())))
                            .set(14, EXTERNAL));
            if (isHalf) {
                List<String> axes =
                        LongStream.of(sizes).mapToObj(Long::toString).toList();
                graph.set(11, description(weight.name(), weight.type(), axes));
                casts.set(
                        1,
                        node("", "Cast", List.of(single), Attribute.of("to", ElementType.FLOAT.number))
                                .set(1, weight.name()));
            }
        }
        return single;
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
        ProtobufMessage node =
                node(domain, operator, outputs.stream().map(GraphValue::name).toList(), attributes);
        for (GraphValue input : inputs) {
            Weight weight = offered.get(input.name());
            node.set(1, weight == null ? input.name() : take(weight));
        }
        graph.set(1, node);
    }

    private static ProtobufMessage node(String domain, String operator, List<String> outputs, Attribute... attributes) {
        ProtobufMessage node = new ProtobufMessage()
                .set(3, outputs.getFirst())
                .set(4, operator)
                .set(7, domain);
        outputs.forEach(output -> node.set(2, output));
        for (Attribute attribute : attributes) {
            node.set(5, attribute.proto());
        }
        return node;
    }

    /** The graph as an ONNX model. */
    byte[] toBytes() {
        return new ProtobufMessage()
                .set(1, IR_VERSION)
                .set(2, "atelier")
                .set(7, casts) // readers put the two together
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
