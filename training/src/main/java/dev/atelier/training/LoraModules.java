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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.DoubleSupplier;
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
    private final Adapter.Form form;
    private final int factor;
    private final List<Module> modules = new ArrayList<>();
    private int kept; // how many come from a file

    LoraModules(StableDiffusion model, TrainingMethod.Lora plan, Randomness randomness) {
        this.family = model.family();
        this.form = plan.form();
        this.factor = plan.factor();
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
        if (before != null && kept == 0) {
            throw new IllegalArgumentException("%s has no %s of a layer that is to be trained, in kohya's naming"
                    .formatted(plan.from(), form.name().toLowerCase(Locale.ROOT)));
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

    private Module module(
            LoraLayer layer,
            Checkpoint model,
            int rank,
            double alpha,
            @Nullable Checkpoint before,
            RandomGenerator random) {
        String name = layer.kohyaName(family.isXl());
        SequencedMap<String, Tensor> parts = parts(layer, model, rank, random);
        StoredAdapter stored = before == null ? null : StoredAdapter.find(before, name, form);
        if (stored != null) {
            stored.require(layer.shape(model));
            parts.keySet().retainAll(Set.of("dora_scale")); // of a LoRA that becomes a DoRA they start as the weight's
            parts.putAll(stored.parts());
            kept++;
        }
        double givenAlpha = stored == null ? alpha : stored.alpha();
        double scale = parts.containsKey("lokr_w2") ? 1 : givenAlpha / (stored == null ? rank : stored.rank());
        return module(layer, name, parts, scale, givenAlpha);
    }

    private Module module(
            LoraLayer layer, String name, SequencedMap<String, Tensor> parts, double scale, double alpha) {
        return new Module(layer, new Adapter(name, layer.tensor(), layer.third(), form, parts, scale), alpha);
    }

    /** Where a layer's parameters start: as in PyTorch's linear layers and in LyCORIS, so that together they change nothing. */
    private SequencedMap<String, Tensor> parts(LoraLayer layer, Checkpoint model, int rank, RandomGenerator random) {
        long[] weight = layer.shape(model).sizes();
        long rows = weight[0];
        long columns = Shape.of(weight).elements() / rows;
        SequencedMap<String, Tensor> parts = new LinkedHashMap<>();
        switch (form) {
            case LORA, DORA -> {
                long[] down = weight.clone();
                down[0] = rank;
                long[] up = weight.clone();
                up[1] = rank;
                Arrays.fill(up, 2, up.length, 1);
                parts.put("lora_down.weight", uniform(random, columns, down));
                parts.put("lora_up.weight", zeros(up));
                if (form == Adapter.Form.DORA) {
                    parts.put("dora_scale", lengths(layer, model));
                }
            }
            case LOHA -> {
                parts.put("hada_w1_a", normal(random, 0.1, rows, rank));
                parts.put("hada_w1_b", normal(random, 1, rank, columns));
                parts.put("hada_w2_a", zeros(rows, rank));
                parts.put("hada_w2_b", normal(random, 1, rank, columns));
            }
            case LOKR -> {
                long out = smallerFactor(rows);
                long in = smallerFactor(weight[1]);
                parts.put("lokr_w1", uniform(random, in, out, in));
                if (2L * rank < Math.max(rows / out, weight[1] / in)) {
                    parts.put("lokr_w2_a", uniform(random, rank, rows / out, rank));
                    parts.put("lokr_w2_b", zeros(rank, columns / in));
                } else {
                    long[] second = weight.clone();
                    second[0] = rows / out;
                    second[1] = weight[1] / in;
                    parts.put("lokr_w2", zeros(second));
                }
            }
        }
        return parts;
    }

    /** Of two factors of {@code size} that are as close to one another as {@code factor} allows; LyCORIS' {@code factorization}. */
    private long smallerFactor(long size) {
        if (factor > 0 && size % factor == 0) {
            return Math.min(factor, size / factor);
        }
        long most = factor > 0 ? Math.min(factor, (long) Math.sqrt((double) size)) : (long) Math.sqrt((double) size);
        while (size % most != 0) {
            most--;
        }
        return most;
    }

    /** How long each row of a layer's weight is, {@code [out, 1]} or {@code [out, 1, 1, 1]}. */
    private static Tensor lengths(LoraLayer layer, Checkpoint model) {
        long[] sizes = layer.shape(model).sizes();
        int rows = (int) sizes[0];
        float[] row = new float[Math.toIntExact(Shape.of(sizes).elements() / rows)];
        long first = (long) Math.max(0, layer.third()) * rows * row.length;
        Tensor weight = model.tensor(layer.tensor()).to(DType.F32);
        float[] lengths = new float[rows];
        for (int i = 0; i < rows; i++) {
            weight.read(first + (long) i * row.length, row, row.length);
            double square = 0;
            for (float value : row) {
                square += (double) value * value;
            }
            lengths[i] = (float) Math.sqrt(square);
        }
        Arrays.fill(sizes, 1, sizes.length, 1);
        return Tensor.of(DType.F32, Shape.of(sizes), MemorySegment.ofArray(lengths));
    }

    /** kaiming_uniform with a = √5, as PyTorch's layers of {@code fanIn} inputs have it. */
    private static Tensor uniform(RandomGenerator random, long fanIn, long... sizes) {
        double bound = 1 / Math.sqrt((double) fanIn);
        return filled(() -> random.nextDouble(-bound, bound), sizes);
    }

    private static Tensor normal(RandomGenerator random, double deviation, long... sizes) {
        return filled(() -> random.nextGaussian(0, deviation), sizes);
    }

    private static Tensor filled(DoubleSupplier values, long... sizes) {
        Shape shape = Shape.of(sizes);
        float[] all = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < all.length; i++) {
            all[i] = (float) values.getAsDouble();
        }
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(all));
    }

    static Tensor zeros(long... sizes) {
        return filled(() -> 0, sizes);
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

    /** {@code [out, 1]} as PEFT's {@code [out]}, {@code [out, 1, 1, 1]} as its {@code [1, out, 1, 1]}. */
    private static Tensor asPefts(Tensor lengths) {
        long rows = lengths.shape().size(0);
        float[] values = new float[Math.toIntExact(rows)];
        lengths.read(0, MemorySegment.ofArray(values));
        Shape shape = lengths.shape().rank() == 4 ? Shape.of(1, rows, 1, 1) : Shape.of(rows);
        return Tensor.of(DType.F32, shape, MemorySegment.ofArray(values));
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
                factors.find(adapter.parameter("dora_scale"))
                        .ifPresent(lengths -> tensors.put(name + ".lora_magnitude_vector.weight", asPefts(lengths)));
                continue;
            }
            float[] alpha = {(float) module.alpha()};
            tensors.put(adapter.parameter("alpha"), Tensor.of(DType.F32, Shape.of(), MemorySegment.ofArray(alpha)));
            adapter.parts().keySet().stream()
                    .map(adapter::parameter)
                    .forEach(name -> tensors.put(name, factors.tensor(name)));
        }
        return Checkpoint.of(List.of(), tensors, Map.of());
    }
}
