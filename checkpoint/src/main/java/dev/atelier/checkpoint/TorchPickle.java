package dev.atelier.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Pickles, of protocol 2, in which the i-th tensor lies contiguous in a storage of its own, with the key i. */
final class TorchPickle {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private TorchPickle() {}

    /**
     * Of {@code {"state_dict": OrderedDict(tensors), "epoch": 0, "global_step": 0}}: the form that the tools around Stable
     * Diffusion expect in a .ckpt file.
     *
     * @throws IllegalArgumentException naming a tensor of a type that PyTorch has not
     */
    static byte[] of(List<Map.Entry<String, Tensor>> tensors) {
        TorchPickle pickle = new TorchPickle();
        pickle.opcodes(0x80, 2, '}', '(');
        pickle.text("state_dict").emptyOrderedDict().opcodes('(');
        for (int i = 0; i < tensors.size(); i++) {
            pickle.text(tensors.get(i).getKey())
                    .tensor(i, tensors.get(i).getKey(), tensors.get(i).getValue());
        }
        pickle.opcodes('u');
        pickle.text("epoch").integer(0).text("global_step").integer(0).opcodes('u', '.');
        return pickle.out.toByteArray();
    }

    /**
     * Of a dict as {@link TorchFile#write} takes it.
     *
     * @param tensors to which its tensors are added, in the order of their storages
     */
    static byte[] of(Map<?, ?> root, List<Map.Entry<String, Tensor>> tensors) {
        TorchPickle pickle = new TorchPickle();
        pickle.opcodes(0x80, 2).value("", root, tensors).opcodes('.');
        return pickle.out.toByteArray();
    }

    private TorchPickle value(String name, @Nullable Object value, List<Map.Entry<String, Tensor>> tensors) {
        switch (value) {
            case null -> opcodes('N');
            case Boolean flag -> opcodes(flag ? 0x88 : 0x89);
            case Integer number -> integer(number);
            case Double number -> real(number);
            case String text -> text(text);
            case Tensor tensor -> {
                tensor(tensors.size(), name, tensor);
                tensors.add(Map.entry(name, tensor));
            }
            case List<?> list -> {
                opcodes(']', '(');
                list.forEach(item -> value(name, item, tensors));
                opcodes('e');
            }
            case Map<?, ?> map -> {
                opcodes('}', '(');
                map.forEach((key, item) -> value(name, key, tensors).value(String.valueOf(key), item, tensors));
                opcodes('u');
            }
            default ->
                throw new IllegalArgumentException(
                        "\"%s\" is a %s, which a file of PyTorch cannot hold".formatted(name, value.getClass()));
        }
        return this;
    }

    /**
     * _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks); types younger than the classes of storages:
     * _rebuild_tensor_v3(the same, type), in a storage of bytes.
     */
    private void tensor(int key, String name, Tensor tensor) {
        Optional<String> storage = TorchGlobals.storageClass(tensor.dtype());
        String type = TorchGlobals.dtypeName(tensor.dtype())
                .orElseThrow(() -> new IllegalArgumentException(
                        "the tensor \"%s\" is of type %s, which a .ckpt file cannot hold; write .safetensors"
                                .formatted(name, tensor.dtype())));
        Shape shape = tensor.shape();
        global("torch._utils", storage.isPresent() ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3")
                .opcodes('(', '(');
        text("storage");
        storage.ifPresentOrElse(known -> global("torch", known), () -> global("torch.storage", "UntypedStorage"));
        text(Integer.toString(key)).text("cpu");
        integer(storage.isPresent() ? shape.elements() : tensor.byteSize()).opcodes('t', 'Q');
        integer(0).tuple(shape.sizes()).tuple(contiguousStrides(shape)).opcodes(0x89);
        emptyOrderedDict();
        if (storage.isEmpty()) {
            global("torch", type);
        }
        opcodes('t', 'R');
    }

    private static long[] contiguousStrides(Shape shape) {
        long[] strides = new long[shape.rank()];
        long stride = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= Math.max(1, shape.size(axis));
        }
        return strides;
    }

    private TorchPickle emptyOrderedDict() {
        return global("collections", "OrderedDict").opcodes(')', 'R');
    }

    private TorchPickle tuple(long[] values) {
        opcodes('(');
        for (long value : values) {
            integer(value);
        }
        return opcodes('t');
    }

    private TorchPickle integer(long value) {
        ByteBuffer bytes = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
        if (value <= Integer.MAX_VALUE) {
            bytes.put((byte) 'J').putInt((int) value);
        } else {
            bytes.put((byte) 0x8A).put((byte) 8).putLong(value);
        }
        out.write(bytes.array(), 0, bytes.position());
        return this;
    }

    private TorchPickle real(double value) {
        out.write('G');
        out.writeBytes(ByteBuffer.allocate(8).putDouble(value).array()); // big-endian
        return this;
    }

    private TorchPickle text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer length =
                ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(utf8.length);
        out.write('X');
        out.writeBytes(length.array());
        out.writeBytes(utf8);
        return this;
    }

    private TorchPickle global(String module, String name) {
        out.writeBytes("c%s\n%s\n".formatted(module, name).getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    private TorchPickle opcodes(int... opcodes) {
        for (int opcode : opcodes) {
            out.write(opcode);
        }
        return this;
    }
}
