package dev.atelier.checkpoint;

import dev.atelier.checkpoint.PickleValue.Global;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The names a checkpoint's pickle may mention: the union of what AUTOMATIC1111's restricted unpickler and torch's own
 * {@code weights_only} mode accept, as far as Stable Diffusion files use them. None of them is ever resolved to code.
 * An allow-list, because a list of forbidden names cannot be complete.
 */
final class TorchGlobals {
    private static final Map<String, DType> STORAGES = Map.of(
            "FloatStorage", DType.F32,
            "HalfStorage", DType.F16,
            "BFloat16Storage", DType.BF16,
            "DoubleStorage", DType.F64,
            "LongStorage", DType.I64,
            "IntStorage", DType.I32,
            "ShortStorage", DType.I16,
            "CharStorage", DType.I8,
            "ByteStorage", DType.U8,
            "BoolStorage", DType.BOOL);

    private static final Map<String, DType> DTYPES = Map.ofEntries(
            Map.entry("float32", DType.F32),
            Map.entry("float16", DType.F16),
            Map.entry("bfloat16", DType.BF16),
            Map.entry("float64", DType.F64),
            Map.entry("int64", DType.I64),
            Map.entry("int32", DType.I32),
            Map.entry("int16", DType.I16),
            Map.entry("int8", DType.I8),
            Map.entry("uint8", DType.U8),
            Map.entry("uint16", DType.U16),
            Map.entry("uint32", DType.U32),
            Map.entry("uint64", DType.U64),
            Map.entry("bool", DType.BOOL),
            Map.entry("float8_e4m3fn", DType.F8_E4M3),
            Map.entry("float8_e5m2", DType.F8_E5M2),
            Map.entry("float8_e4m3fnuz", DType.F8_E4M3FNUZ),
            Map.entry("float8_e5m2fnuz", DType.F8_E5M2FNUZ),
            Map.entry("float8_e8m0fnu", DType.F8_E8M0));

    private static final Set<String> OTHERS = Set.of(
            "collections.OrderedDict",
            "collections.Counter",
            "torch.Size",
            "torch.Tensor",
            "torch.device",
            "torch.storage.UntypedStorage",
            "torch._utils._rebuild_tensor",
            "torch._utils._rebuild_tensor_v2",
            "torch._utils._rebuild_tensor_v3",
            "torch._utils._rebuild_parameter",
            "torch._utils._rebuild_parameter_with_state",
            "torch._tensor._rebuild_from_type_v2",
            "torch.nn.parameter.Parameter",
            "torch.nn.modules.container.ParameterDict",
            "torch.serialization._get_layout",
            "numpy.core.multiarray.scalar",
            "numpy.core.multiarray._reconstruct",
            "numpy._core.multiarray.scalar",
            "numpy._core.multiarray._reconstruct",
            "numpy.dtype",
            "numpy.ndarray",
            "_codecs.encode",
            "builtins.set",
            "__builtin__.set",
            "builtins.list",
            "builtins.tuple",
            "builtins.bytearray",
            "builtins.complex",
            // The key of the callbacks entry in the checkpoints that PyTorch Lightning wrote before 1.6.
            "pytorch_lightning.callbacks.model_checkpoint",
            "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint");

    private TorchGlobals() {}

    /** A name with a dot would reach into what the module's name means, and spell some entries in a second way. */
    static boolean isHarmless(Global global) {
        return (OTHERS.contains(global.toString())
                        && !global.name().isEmpty()
                        && !global.name().contains("."))
                || storageType(global).isPresent()
                || dtype(global).isPresent();
    }

    /** The element type of a typed storage class, {@code torch.FloatStorage} or its {@code torch.cuda} twin. */
    static Optional<DType> storageType(Global global) {
        return global.module().equals("torch") || global.module().equals("torch.cuda")
                ? Optional.ofNullable(STORAGES.get(global.name()))
                : Optional.empty();
    }

    /** The class in module {@code torch} whose storages hold elements of {@code dtype}. */
    static Optional<String> storageClass(DType dtype) {
        return STORAGES.entrySet().stream()
                .filter(storage -> storage.getValue() == dtype)
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** What module {@code torch} calls {@code dtype}. */
    static Optional<String> dtypeName(DType dtype) {
        return DTYPES.entrySet().stream()
                .filter(named -> named.getValue() == dtype)
                .map(Map.Entry::getKey)
                .findFirst();
    }

    static boolean isUntypedStorage(Global global) {
        return global.toString().equals("torch.storage.UntypedStorage");
    }

    static Optional<DType> dtype(Global global) {
        return global.module().equals("torch") ? Optional.ofNullable(DTYPES.get(global.name())) : Optional.empty();
    }
}
