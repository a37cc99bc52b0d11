package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.LoraLayer;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.torch.Adapter;
import dev.atelier.model.Family;
import dev.atelier.model.StableDiffusion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** The LoRAs of a model's layers: which layers have one, where it starts, what it is called in a file. */
final class LoraModules {
    private static final String TRANSFORMER = ".*attentions\\.\\d+\\.";
    private static final String ATTENTION = "transformer_blocks\\.\\d+\\.attn[12]\\.to_(?:q|k|v|out\\.0)";
    private static final Pattern ATTENTION_ONLY = Pattern.compile(TRANSFORMER + ATTENTION);
    private static final Pattern LINEAR = Pattern.compile(TRANSFORMER + "(?:proj_in|proj_out|" + ATTENTION
            + "|transformer_blocks\\.\\d+\\.ff\\.net\\.(?:0\\.proj|2))");
    private static final Pattern CONVOLUTION = Pattern.compile(".*(?:resnets\\.\\d+\\.conv[12]|samplers\\.0\\.conv)");
    private static final Pattern RESIDUAL = Pattern.compile(".*resnets\\.\\d+\\.(?:time_emb_proj|conv_shortcut)");
    private static final Pattern TEXT = Pattern.compile(".*(?:self_attn\\.(?:q|k|v|out)_proj|mlp\\.fc[12])");

    private record Module(LoraLayer layer, Adapter adapter, double alpha) {}

    private final Family family;
    private final List<Module> modules = new ArrayList<>();

    /** @param randomness the first factor starts as PyTorch's linear layers do, the second at 0 */
    LoraModules(StableDiffusion model, TrainingPlan.Lora plan, Randomness randomness) {
        this.family = model.family();
        for (LoraLayer layer : LoraLayer.of(model.checkpoint())) {
            int rank = rank(layer, plan);
            if (rank > 0) {
                double alpha = plan.alpha() * rank / plan.rank();
                RandomGenerator random = randomness.at("lora", modules.size());
                modules.add(new Module(layer, adapter(layer, model.checkpoint(), rank, alpha, random), alpha));
            }
        }
    }

    private static int rank(LoraLayer layer, TrainingPlan.Lora plan) {
        String path = layer.diffusers();
        if (!layer.network().equals("unet")) {
            return plan.textEncoder() && TEXT.matcher(path).matches() ? plan.rank() : 0;
        }
        if ((plan.attentionOnly() ? ATTENTION_ONLY : LINEAR).matcher(path).matches()) {
            return plan.rank();
        }
        if (plan.convolutionRank() > 0 && CONVOLUTION.matcher(path).matches()) {
            return plan.convolutionRank();
        }
        return plan.convolutionRank() > 0 && RESIDUAL.matcher(path).matches() ? plan.rank() : 0;
    }

    private Adapter adapter(LoraLayer layer, Checkpoint model, int rank, double alpha, RandomGenerator random) {
        long[] weight = layer.shape(model).sizes();
        long[] down = weight.clone();
        down[0] = rank;
        long[] up = weight.clone();
        up[1] = rank;
        for (int axis = 2; axis < up.length; axis++) {
            up[axis] = 1;
        }
        float[] first = new float[Math.toIntExact(Shape.of(down).elements())];
        double bound = 1 / Math.sqrt((double) first.length / rank); // kaiming_uniform with a = √5
        for (int i = 0; i < first.length; i++) {
            first[i] = (float) random.nextDouble(-bound, bound);
        }
        return new Adapter(
                layer.kohyaName(family.isXl()),
                layer.tensor(),
                layer.third(),
                Tensor.of(DType.F32, Shape.of(down), MemorySegment.ofArray(first)),
                zeros(up),
                alpha / rank);
    }

    static Tensor zeros(long... sizes) {
        Shape shape = Shape.of(sizes);
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(new float[Math.toIntExact(shape.elements())]));
    }

    private static String diffusersName(LoraLayer layer) {
        String network = switch (layer.network()) {
            case "te1" -> "text_encoder";
            case "te2" -> "text_encoder_2";
            default -> "unet";
        };
        return network + "." + layer.diffusers();
    }

    private static Tensor scaled(Tensor factor, double scale) {
        float[] values = new float[Math.toIntExact(factor.shape().elements())];
        factor.read(0, MemorySegment.ofArray(values));
        for (int i = 0; i < values.length; i++) {
            values[i] *= (float) scale;
        }
        return Tensor.of(DType.F32, factor.shape(), MemorySegment.ofArray(values));
    }

    List<Adapter> adapters() {
        return modules.stream().map(Module::adapter).toList();
    }

    /**
     * A file with the trained factors. diffusers' naming has no place for α, so the second factor is multiplied by what it is for.
     */
    Checkpoint file(Checkpoint factors, LoraNaming naming) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Module module : modules) {
            Adapter adapter = module.adapter();
            if (naming == LoraNaming.DIFFUSERS) {
                String name = diffusersName(module.layer());
                tensors.put(name + ".lora_A.weight", factors.tensor(adapter.downName()));
                tensors.put(name + ".lora_B.weight", scaled(factors.tensor(adapter.upName()), adapter.scale()));
                continue;
            }
            float[] alpha = {(float) module.alpha()};
            tensors.put(adapter.name() + ".alpha", Tensor.of(DType.F32, Shape.of(), MemorySegment.ofArray(alpha)));
            tensors.put(adapter.downName(), factors.tensor(adapter.downName()));
            tensors.put(adapter.upName(), factors.tensor(adapter.upName()));
        }
        return Checkpoint.of(List.of(), tensors, Map.of());
    }
}
