package dev.atelier.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text encoders of Stable Diffusion 2 and XL in the two forms they are found in: that of OpenCLIP, in single files, and that of
 * transformers' {@code CLIPTextModel}. They differ in names; OpenCLIP keeps query, key and value of an attention in one
 * matrix, one below the other; and it multiplies by {@code text_projection} from the other side.
 */
final class OpenClipNames {
    private static final Map<String, String> ROOT = Map.of(
            "embeddings.token_embedding.weight", "token_embedding.weight",
            "embeddings.position_embedding.weight", "positional_embedding",
            "final_layer_norm.weight", "ln_final.weight",
            "final_layer_norm.bias", "ln_final.bias");

    private static final Map<String, String> LAYER = Map.of(
            "layer_norm1", "ln_1",
            "layer_norm2", "ln_2",
            "mlp.fc1", "mlp.c_fc",
            "mlp.fc2", "mlp.c_proj",
            "self_attn.out_proj", "attn.out_proj");

    private static final Pattern HF_LAYER = Pattern.compile(
            "encoder\\.layers\\.(\\d+)\\.(layer_norm[12]|mlp\\.fc[12]|self_attn\\.out_proj)\\.(weight|bias)");
    private static final Pattern HF_QUERY =
            Pattern.compile("encoder\\.layers\\.(\\d+)\\.self_attn\\.q_proj\\.(weight|bias)");
    private static final Pattern HF_KEY_OR_VALUE =
            Pattern.compile("encoder\\.layers\\.\\d+\\.self_attn\\.[kv]_proj\\.(weight|bias)");
    private static final Pattern OPEN_LAYER = Pattern.compile(
            "transformer\\.resblocks\\.(\\d+)\\.(ln_[12]|mlp\\.c_fc|mlp\\.c_proj|attn\\.out_proj)\\.(weight|bias)");
    private static final Pattern OPEN_FUSED =
            Pattern.compile("transformer\\.resblocks\\.(\\d+)\\.attn\\.in_proj_(weight|bias)");

    static final String PROJECTION = "text_projection";
    static final String HF_PROJECTION = "text_projection.weight";

    private OpenClipNames() {}

    /**
     * The tensors of a {@code CLIPTextModel}, whose names may have the level {@code text_model} or not, as those of OpenCLIP.
     * {@code position_ids} have no place there and are left out; OpenCLIP's {@code logit_scale} cannot be recovered.
     *
     * @throws InvalidCheckpointException naming {@code file} and a tensor that has no place, or no counterpart
     */
    static Map<String, Tensor> fromTransformers(Path file, Map<String, Tensor> transformers) {
        Map<String, Tensor> bare = new LinkedHashMap<>();
        transformers.forEach((name, tensor) -> bare.put(name.replaceFirst("^text_model\\.", ""), tensor));
        Map<String, Tensor> open = new LinkedHashMap<>();
        bare.forEach((name, tensor) -> {
            Matcher layer = HF_LAYER.matcher(name);
            Matcher query = HF_QUERY.matcher(name);
            if (ROOT.containsKey(name)) {
                open.put(ROOT.get(name), tensor);
            } else if (name.equals(HF_PROJECTION)) {
                open.put(PROJECTION, new TransposedTensor(matrix(file, name, tensor)));
            } else if (layer.matches()) {
                open.put(
                        "transformer.resblocks.%s.%s.%s"
                                .formatted(layer.group(1), LAYER.get(layer.group(2)), layer.group(3)),
                        tensor);
            } else if (query.matches()) {
                open.put(
                        "transformer.resblocks.%s.attn.in_proj_%s".formatted(query.group(1), query.group(2)),
                        fused(file, bare, name));
            } else if (HF_KEY_OR_VALUE.matcher(name).matches()) {
                required(file, bare, name.replaceFirst("[kv]_proj", "q_proj")); // it went in with its query
            } else if (!name.equals("embeddings.position_ids")) {
                throw noPlace(file, name);
            }
        });
        return open;
    }

    /**
     * The reverse of {@link #fromTransformers}, with the level {@code text_model}. {@code logit_scale} has no place in
     * transformers and is left out.
     */
    static Map<String, Tensor> toTransformers(Path file, Map<String, Tensor> open) {
        Map<String, Tensor> transformers = new LinkedHashMap<>();
        open.forEach((name, tensor) -> {
            Matcher layer = OPEN_LAYER.matcher(name);
            Matcher attention = OPEN_FUSED.matcher(name);
            if (ROOT.containsValue(name)) {
                transformers.put("text_model." + keyOf(ROOT, name), tensor);
            } else if (name.equals(PROJECTION)) {
                transformers.put(HF_PROJECTION, new TransposedTensor(matrix(file, name, tensor)));
            } else if (layer.matches()) {
                transformers.put(
                        "text_model.encoder.layers.%s.%s.%s"
                                .formatted(layer.group(1), keyOf(LAYER, layer.group(2)), layer.group(3)),
                        tensor);
            } else if (attention.matches()) {
                putSplit(file, attention, tensor, transformers);
            } else if (!name.equals("logit_scale")) {
                throw noPlace(file, name);
            }
        });
        return transformers;
    }

    private static Tensor fused(Path file, Map<String, Tensor> bare, String query) {
        List<Tensor> parts = List.of(
                required(file, bare, query),
                required(file, bare, query.replace("q_proj", "k_proj")),
                required(file, bare, query.replace("q_proj", "v_proj")));
        try {
            return new StackedTensor(parts);
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(
                    file,
                    InvalidCheckpointException.Reason.SHAPE_MISMATCH,
                    "\"%s\" does not fit its key and value: %s".formatted(query, e.getMessage()),
                    e);
        }
    }

    private static void putSplit(Path file, Matcher attention, Tensor tensor, Map<String, Tensor> target) {
        if (tensor.shape().rank() == 0 || tensor.shape().size(0) % 3 != 0) {
            throw new InvalidCheckpointException(
                    file,
                    InvalidCheckpointException.Reason.SHAPE_MISMATCH,
                    "\"%s\" is %s, which does not divide into query, key and value"
                            .formatted(attention.group(), tensor.shape()));
        }
        long rows = tensor.shape().size(0) / 3;
        for (int part = 0; part < 3; part++) {
            target.put(
                    "text_model.encoder.layers.%s.self_attn.%s_proj.%s"
                            .formatted(attention.group(1), "qkv".charAt(part), attention.group(2)),
                    new RowsTensor(tensor, part * rows, rows));
        }
    }

    private static Tensor required(Path file, Map<String, Tensor> tensors, String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new InvalidCheckpointException(
                    file,
                    InvalidCheckpointException.Reason.MISSING_TENSOR,
                    "the tensor \"%s\" is missing".formatted(name));
        }
        return tensor;
    }

    private static Tensor matrix(Path file, String name, Tensor tensor) {
        if (tensor.shape().rank() != 2) {
            throw new InvalidCheckpointException(
                    file,
                    InvalidCheckpointException.Reason.SHAPE_MISMATCH,
                    "\"%s\" is %s and should be a matrix".formatted(name, tensor.shape()));
        }
        return tensor;
    }

    private static String keyOf(Map<String, String> names, String value) {
        return names.entrySet().stream()
                .filter(entry -> entry.getValue().equals(value))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
    }

    private static InvalidCheckpointException noPlace(Path file, String name) {
        return new InvalidCheckpointException(
                file,
                InvalidCheckpointException.Reason.UNKNOWN_LAYOUT,
                "the tensor \"%s\" has no place in a text encoder of Stable Diffusion".formatted(name));
    }
}
