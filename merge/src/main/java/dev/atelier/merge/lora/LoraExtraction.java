package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.LoraLayer;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.ejml.data.DMatrixRMaj;

/**
 * What one model has learnt on top of another, as a LoRA: the difference of each layer that kohya trains, simplified to a
 * product of two factors (Eckart and Young 1936). Unlike kohya's {@code extract_lora_from_models.py} it does not clamp the
 * factors, and shares the singular values between them.
 */
public final class LoraExtraction {
    private LoraExtraction() {}

    private static final Pattern TRANSFORMER = Pattern.compile(
            ".*attentions\\.\\d+\\.(.+\\.)?(to_[qkv]|to_out\\.0|proj_in|proj_out|ff\\.net\\.(0\\.proj|2))");
    private static final Pattern RESIDUAL =
            Pattern.compile(".*(resnets\\.\\d+\\.(conv[12]|time_emb_proj|conv_shortcut)|(down|up)samplers\\.0\\.conv)");
    private static final Pattern TEXT =
            Pattern.compile(".*encoder\\.layers\\.\\d+\\.(self_attn\\.(q|k|v|out)_proj|mlp\\.fc[12])");

    /** A layer of both models, by kohya's name. */
    private record Layer(String name, LoraLayer place, Tensor tuned, Tensor base, Shape shape) {
        long elements() {
            return shape.elements();
        }

        boolean isConvolution() {
            return shape.rank() == 4 && shape.size(2) * shape.size(3) > 1;
        }
    }

    /**
     * The LoRA that, added to {@code base}, gives {@code tuned} as nearly as its ranks allow, in the naming of kohya. It is
     * computed now, several layers at once; layers that do not differ are left out.
     *
     * @param ranks without a rank for convolutions, residual blocks and samplers are left out
     * @param text whether text encoders are looked at as well
     * @param dtype of the result
     * @throws InvalidCheckpointException if a layer has another shape in {@code tuned}, or none differs
     */
    public static Checkpoint of(
            Checkpoint tuned, Checkpoint base, Ranks ranks, boolean text, DType dtype, Progress progress) {
        Checkpoint to = Layout.normalize(tuned);
        Checkpoint from = Layout.normalize(base);
        boolean isXl = from.tensors().keySet().stream().anyMatch(name -> name.startsWith("conditioner."));
        List<Layer> layers = LoraLayer.of(from).stream()
                .filter(layer -> isWanted(layer, ranks, text) && to.has(layer.tensor()))
                .map(layer -> layer(layer.kohyaName(isXl), layer, to, from))
                .toList();
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        LoraLayers.each(layers, Layer::elements, layer -> extracted(layer, ranks, dtype), progress).stream()
                .forEach(tensors::putAll);
        if (tensors.isEmpty()) {
            throw new InvalidCheckpointException(
                    to.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "of the %d layers that a LoRA could change, none differs from %s"
                            .formatted(layers.size(), from.name()));
        }
        return Checkpoint.of(from.sources(), tensors, metadata(ranks, Architecture.of(from)))
                .withSourcesOf(to);
    }

    private static boolean isWanted(LoraLayer layer, Ranks ranks, boolean text) {
        if (!layer.network().equals("unet")) {
            return text && TEXT.matcher(layer.diffusers()).matches();
        }
        return TRANSFORMER.matcher(layer.diffusers()).matches()
                || (ranks.convolution() > 0
                        && RESIDUAL.matcher(layer.diffusers()).matches());
    }

    private static Layer layer(String kohya, LoraLayer place, Checkpoint tuned, Checkpoint base) {
        String name = place.tensor();
        Tensor to = tuned.tensor(name);
        Tensor from = base.tensor(name);
        if (!to.shape().equals(from.shape())) {
            throw new InvalidCheckpointException(
                    tuned.name(),
                    Reason.SHAPE_MISMATCH,
                    "the tensor \"%s\" is %s, but %s in %s".formatted(name, to.shape(), from.shape(), base.name()));
        }
        return new Layer(kohya, place, to, from, place.shape(base));
    }

    /** Nothing, if the layer is the same in both. */
    private static Map<String, Tensor> extracted(Layer layer, Ranks ranks, DType dtype) {
        double[] difference = difference(layer);
        double sum = Arrays.stream(difference).map(Math::abs).sum();
        if (sum == 0) {
            return Map.of();
        }
        if (!Double.isFinite(sum)) {
            throw new IllegalArgumentException(
                    "the tensor \"%s\" holds NaN or infinity in one of the models".formatted(layer.place.tensor()));
        }
        int rows = Math.toIntExact(layer.shape.size(0));
        DMatrixRMaj matrix = DMatrixRMaj.wrap(rows, difference.length / rows, difference);
        int most = ranks.most(layer.isConvolution());
        SingularValues values =
                SingularValues.of(matrix, ranks.needsAll() ? Math.min(matrix.numRows, matrix.numCols) : most);
        LayerProduct product = new LayerProduct(
                values.nearest(ranks.of(values, most)),
                1,
                Shape.of(LongStream.of(layer.shape.sizes()).skip(1).toArray()));
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        String name = layer.name;
        tensors.put(name + ".lora_up.weight", product.up(dtype));
        tensors.put(name + ".lora_down.weight", product.down(dtype));
        tensors.put(name + ".alpha", LayerProduct.scalar(product.factors().rank(), dtype));
        return tensors;
    }

    private static double[] difference(Layer layer) {
        double[] difference = Delta.load(layer.tuned);
        double[] base = Delta.load(layer.base);
        for (int i = 0; i < difference.length; i++) {
            difference[i] -= base[i];
        }
        int count = Math.toIntExact(layer.elements());
        int first = Math.max(0, layer.place.third()) * count;
        return count == difference.length ? difference : Arrays.copyOfRange(difference, first, first + count);
    }

    /** What kohya writes, and other programs show. */
    private static Map<String, String> metadata(Ranks ranks, Architecture base) {
        SequencedMap<String, String> metadata = new LinkedHashMap<>();
        metadata.put("ss_network_module", "networks.lora");
        metadata.putAll(ranks.metadata());
        switch (base) {
            case SD1, SD1_INPAINTING, SD1_PIX2PIX -> metadata.put("ss_base_model_version", "sd_v1");
            case SD2 -> metadata.put("ss_base_model_version", "sd_v2");
            case SDXL -> metadata.put("ss_base_model_version", "sdxl_base_v1-0");
            default -> {} // kohya has no name for the others
        }
        return metadata;
    }
}
