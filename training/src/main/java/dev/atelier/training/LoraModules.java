package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
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
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

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
    LoraModules(StableDiffusion model, TrainingMethod.Lora plan, Randomness randomness) {
        this.family = model.family();
        BlockValues ranks = BlockValues.of(plan.blockRanks(), "block-ranks", model.checkpoint());
        Checkpoint before = plan.from() == null ? null : Checkpoints.open(plan.from());
        Set<String> used = model.weights(); // SD 2 and XL do not read the last layer of a text encoder
        for (LoraLayer layer : LoraLayer.of(model.checkpoint())) {
            if (!used.contains(layer.tensor())) {
                continue;
            }
            boolean outside = CONVOLUTION.matcher(layer.diffusers()).matches();
            int rank = rank(layer, plan);
            if (rank > 0 && !outside) {
                rank = (int) ranks.at(layer.tensor(), rank);
            }
            if (rank > 0) {
                double alpha = outside ? plan.convolutionAlpha() : plan.alpha() * rank / plan.rank();
                RandomGenerator random = randomness.at("lora", modules.size());
                modules.add(module(layer, model.checkpoint(), rank, alpha, before, random));
            }
        }
    }

    private static int rank(LoraLayer layer, TrainingMethod.Lora plan) {
        String path = layer.diffusers();
        if (!layer.network().equals("unet")) {
            return plan.trainsText() && TEXT.matcher(path).matches() ? plan.rank() : 0;
        }
        if (plan.textOnly()) {
            return 0;
        }
        if ((plan.attentionOnly() ? ATTENTION_ONLY : LINEAR).matcher(path).matches()) {
            return plan.rank();
        }
        if (plan.convolutionRank() == 0) {
            return 0;
        }
        return CONVOLUTION.matcher(path).matches()
                ? plan.convolutionRank()
                : RESIDUAL.matcher(path).matches() ? plan.rank() : 0;
    }

    /** @param before a file that has its factors and alpha, if it has the layer at all; null for none */
    private Module module(
            LoraLayer layer,
            Checkpoint model,
            int rank,
            double alpha,
            @Nullable Checkpoint before,
            RandomGenerator random) {
        Adapter fresh = adapter(layer, model, rank, alpha, random);
        if (before == null || !before.has(fresh.downName())) {
            return new Module(layer, fresh, alpha);
        }
        Tensor down = before.tensor(fresh.downName());
        long kept = down.shape().size(0);
        double given = before.find(fresh.name() + ".alpha")
                .map(stored -> {
                    float[] value = new float[1];
                    stored.to(DType.F32).read(0, value, 1);
                    return (double) value[0];
                })
                .orElse((double) kept);
        Tensor up = before.tensor(fresh.upName());
        return new Module(
                layer, new Adapter(fresh.name(), fresh.weight(), fresh.third(), down, up, given / kept), given);
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
