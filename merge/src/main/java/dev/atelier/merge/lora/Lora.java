package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.LoraLayer;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A LoRA file: LoRA, LoCon, LoHa, LoKr, DoRA, GLoRA, OFT, BOFT, (IA)³ and plain differences, in the naming of kohya, PEFT or diffusers. Nothing is
 * computed and no weight read before a baked checkpoint is.
 */
public final class Lora {
    private final Checkpoint file;
    private final List<LoraModule> modules;
    private final List<String> unknown;

    private Lora(Checkpoint file, List<LoraModule> modules, List<String> unknown) {
        this.file = file;
        this.modules = modules;
        this.unknown = unknown;
    }

    /** @throws InvalidCheckpointException if the file is unsound or no LoRA */
    public static Lora open(Path path) {
        return of(Checkpoints.open(path));
    }

    /** @throws InvalidCheckpointException if the file is no LoRA */
    public static Lora of(Checkpoint file) {
        Map<List<String>, LoraModule> modules = new LinkedHashMap<>();
        List<String> unknown = new ArrayList<>();
        file.tensors()
                .forEach((name, tensor) -> LoraNames.of(name)
                        .filter(_ -> tensor.dtype().isNumeric())
                        .ifPresentOrElse(
                                place -> {
                                    LoraModule module = modules.computeIfAbsent(
                                            List.of(place.network(), place.layer()),
                                            _ -> new LoraModule(
                                                    place.network(),
                                                    place.layer(),
                                                    new LinkedHashMap<>(),
                                                    new LinkedHashMap<>()));
                                    module.parts().put(place.part(), tensor);
                                    module.names().put(place.part(), name);
                                },
                                () -> unknown.add(name)));
        boolean whole = modules.values().stream()
                .allMatch(module -> module.parts().keySet().equals(Set.of("weight")));
        if (whole) {
            throw new InvalidCheckpointException(
                    file.name(), Reason.UNKNOWN_LAYOUT, "it holds no LoRA: no tensor is named as theirs are");
        }
        addAlphas(file, modules.values());
        return new Lora(file, List.copyOf(modules.values()), unknown);
    }

    /** Those that are in the metadata. */
    private static void addAlphas(Checkpoint file, Collection<LoraModule> modules) {
        AdapterMetadata metadata;
        try {
            metadata = AdapterMetadata.in(file.metadata());
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(
                    file.name(), Reason.BAD_INDEX, "its %s: %s".formatted(AdapterMetadata.KEY, e.getMessage()), e);
        }
        for (LoraModule module : modules) {
            Tensor down = module.parts().get("lora_down");
            if (down == null || down.shape().rank() < 2 || module.has("alpha")) {
                continue;
            }
            String prefix = LoraNaming.prefix(module);
            String name = module.name("lora_down").orElseThrow();
            int end = name.lastIndexOf(".lora");
            String path = name.substring(0, Math.max(0, end));
            path = path.startsWith(prefix + ".") ? path.substring(prefix.length() + 1) : path;
            metadata.alpha(prefix, path, Math.toIntExact(down.shape().size(0)))
                    .ifPresent(alpha -> module.parts().put("alpha", LayerProduct.scalar(alpha, DType.F64)));
        }
    }

    /** The file to name in a message about it. */
    public Path name() {
        return file.name();
    }

    Checkpoint file() {
        return file;
    }

    /** The names of tensors that belong to no layer. */
    List<String> unknown() {
        return unknown;
    }

    List<LoraModule> modules() {
        return modules;
    }

    /** @throws InvalidCheckpointException if its factors do not fit one another */
    LayerProduct product(LoraModule module) {
        try {
            return LayerProduct.of(module);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.SHAPE_MISMATCH,
                    "\"%s\" does not fit: %s".formatted(module.anyName(), e.getMessage()),
                    e);
        }
    }

    /** @throws IllegalArgumentException naming the first tensor that is there for something else than is {@code allowed} */
    void requireParts(Predicate<String> allowed, String task) {
        for (LoraModule module : modules) {
            module.names().forEach((part, name) -> {
                if (!allowed.test(part)) {
                    throw new IllegalArgumentException(
                            "%s: \"%s\" is of a kind of LoRA that cannot be %s, because what it does depends on the model; what it does to one is made a plain LoRA by: atelier lora merge '%s' --model MODEL --rank 64 -o FILE"
                                    .formatted(file.name(), name, task, file.name()));
                }
            });
        }
    }

    /** The metadata of the file. */
    public Map<String, String> metadata() {
        return file.metadata();
    }

    /**
     * The tensors of this file that have no place in {@code model}, by name: those of layers that it lacks, and of kinds of LoRA
     * that are not known here.
     */
    public List<String> unmatched(Checkpoint model) {
        Checkpoint normal = Layout.normalize(model);
        Weights weights = new Weights(normal);
        List<String> names = new ArrayList<>(unknown);
        for (LoraModule module : modules) {
            if (weights.find(module).isEmpty() || !isKnown(module)) {
                names.addAll(module.names().values());
            }
        }
        return names;
    }

    /**
     * {@code model} with this LoRA added, as AUTOMATIC1111 adds it: each weight W becomes W + strength·Δ, in the precision that
     * it has. Several are added by baking one after the other.
     *
     * @param unet the strength for the UNet
     * @param text the strength for the text encoders
     * @throws InvalidCheckpointException if it fits no layer of {@code model}, or a tensor does not fit its layer, which is named
     */
    public Checkpoint bake(Checkpoint model, double unet, double text) {
        Checkpoint normal = Layout.normalize(model);
        Weights weights = new Weights(normal);
        Map<String, List<BakedTensor.Step>> steps = new LinkedHashMap<>();
        boolean any = false;
        for (LoraModule module : modules) {
            LoraLayer place = weights.find(module).orElse(null);
            if (place == null) {
                continue;
            }
            any = true;
            double strength = module.network().equals("unet") ? unet : text;
            if (strength != 0) {
                add(module, place, normal, strength, steps);
            }
        }
        if (!any) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "none of its %d layers is in %s; is it for another family of models?"
                            .formatted(modules.size(), normal.name()));
        }
        return normal.map((name, tensor) -> steps.containsKey(name) ? new BakedTensor(tensor, steps.get(name)) : tensor)
                .withSourcesOf(file);
    }

    private void add(
            LoraModule module,
            LoraLayer place,
            Checkpoint model,
            double strength,
            Map<String, List<BakedTensor.Step>> steps) {
        Shape shape = place.shape(model);
        int count = Math.toIntExact(shape.elements());
        int first = place.third() >= 0 ? place.third() * count : 0;
        delta(module, shape, model, place.tensor())
                .ifPresent(delta -> steps.computeIfAbsent(place.tensor(), _ -> new ArrayList<>())
                        .add(new BakedTensor.Step(delta, strength, first, count)));
        Tensor bias = module.parts().containsKey("diff_b")
                ? module.parts().get("diff_b")
                : module.parts().get("b_norm");
        String biasName = place.layer() + ".bias";
        if (bias != null && place.third() < 0 && model.has(biasName)) {
            Shape length = model.tensor(biasName).shape();
            Delta delta = delta(
                            new LoraModule(module.network(), module.layer(), Map.of("diff", bias), module.names()),
                            length,
                            model,
                            biasName)
                    .orElseThrow();
            steps.computeIfAbsent(biasName, _ -> new ArrayList<>())
                    .add(new BakedTensor.Step(delta, strength, 0, Math.toIntExact(length.elements())));
        }
    }

    private Optional<Delta> delta(LoraModule module, Shape shape, Checkpoint model, String tensor) {
        if (!model.tensor(tensor).dtype().isFloating()) {
            throw new InvalidCheckpointException(
                    model.name(),
                    Reason.UNKNOWN_DTYPE,
                    "the tensor \"%s\" is of type %s, to which no LoRA can be added"
                            .formatted(tensor, model.tensor(tensor).dtype()));
        }
        try {
            return Delta.of(module.parts(), shape);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.SHAPE_MISMATCH,
                    "\"%s\" does not fit \"%s\", which is %s in %s: %s"
                            .formatted(module.anyName(), tensor, shape, model.name(), e.getMessage()),
                    e);
        }
    }

    private static boolean isKnown(LoraModule module) {
        Set<String> parts = module.parts().keySet();
        return (parts.contains("lora_up") && parts.contains("lora_down"))
                || parts.stream().anyMatch(part -> part.startsWith("hada_") || part.startsWith("lokr_"))
                || parts.contains("oft_blocks")
                || parts.contains("oft_diag")
                || parts.containsAll(Set.of("a1", "a2", "b1", "b2"))
                || parts.contains("diff")
                || parts.contains("diff_b")
                || parts.contains("w_norm")
                || parts.contains("b_norm")
                || (parts.contains("on_input") && parts.contains("weight"));
    }
}
