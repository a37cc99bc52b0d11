package dev.atelier.merge.expression;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.merge.BlockWeights;
import dev.atelier.merge.Blocks;
import dev.atelier.merge.ElementRules;
import dev.atelier.merge.Merge;
import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.Multipliers;
import dev.atelier.merge.Parameter;
import dev.atelier.merge.Settings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A merge method on its way to being called: models first, then the values of its parameters in their order, or by name.
 * Besides its own parameters every method takes those of {@link #COMMON}.
 */
final class MergeCall {
    /** Multipliers for some tensors, filters, and the choice of arithmetic. */
    static final Set<String> COMMON = Set.of("blocks", "elements", "unet", "text", "vae", "only", "except", "compat");

    private final MergeMethod method;
    private final List<Checkpoint> models = new ArrayList<>();
    private final Map<String, String> parameters = new HashMap<>();
    private final Map<String, String> common = new HashMap<>();
    private int positional;

    MergeCall(MergeMethod method) {
        this.method = method;
    }

    void add(Checkpoint model) {
        if (positional > 0) {
            throw new IllegalArgumentException("models come before numbers");
        }
        models.add(model);
    }

    /** The value of the next parameter. */
    void add(String value) {
        if (positional >= method.parameters().size()) {
            throw new IllegalArgumentException("%s takes %s, and no more numbers"
                    .formatted(
                            method,
                            method.parameters().isEmpty()
                                    ? "models only"
                                    : method.parameters().stream()
                                            .map(Parameter::name)
                                            .toList()));
        }
        set(method.parameters().get(positional++).name(), value);
    }

    void set(String name, String value) {
        if (parameters.containsKey(name) || common.containsKey(name)) {
            throw new IllegalArgumentException("%s is given twice".formatted(name));
        }
        if (COMMON.contains(name)) {
            common.put(name, value);
        } else {
            method.settings(Map.of(name, value)); // a mistake is told where it stands
            parameters.put(name, value);
        }
    }

    Checkpoint result() {
        method.requireModels(models.size());
        Settings settings = method.settings(parameters);
        if (isWebUis()) {
            Parameter<Double> multiplier = method.multiplier().orElseThrow();
            String written = parameters.get(multiplier.name());
            double m = written == null ? multiplier.standard() : multiplier.parse(written);
            return models.size() == 2
                    ? Merge.weightedSum(models.get(0), models.get(1), m)
                    : Merge.addDifference(models.get(0), models.get(1), models.get(2), m);
        }
        return Merge.with(method, settings, models, multipliers(models.getFirst()), selection());
    }

    /** Whether nothing is asked for that AUTOMATIC1111's merger could not do: then its arithmetic is used. */
    private boolean isWebUis() {
        String compat = common.getOrDefault("compat", "a1111");
        if (!compat.equals("a1111") && !compat.equals("none")) {
            throw new IllegalArgumentException("compat must be a1111 or none, not \"%s\"".formatted(compat));
        }
        boolean webUis = method.name().equals("weighted-sum") || method.name().equals("add-difference");
        boolean plain = parameters.keySet().stream()
                .allMatch(name -> method.multiplier().stream()
                        .anyMatch(multiplier -> multiplier.name().equals(name)));
        return webUis && plain && compat.equals("a1111") && Set.of("compat").containsAll(common.keySet());
    }

    /** Element rules before components before blocks. */
    private Multipliers multipliers(Checkpoint a) {
        String weights = common.get("blocks");
        if (weights != null && common.containsKey("unet")) {
            throw new IllegalArgumentException("block weights and unet both set the UNet; give one of them");
        }
        BlockWeights blocks = weights == null ? null : BlockWeights.parse(weights, a);
        String rules = common.get("elements");
        Multipliers all = rules == null
                ? Multipliers.NONE
                : ElementRules.parse(rules, blocks == null ? Blocks.of(a) : blocks.blocks());
        all = all.otherwise(component(Component.UNET, "unet"))
                .otherwise(component(Component.TEXT_ENCODER, "text"))
                .otherwise(component(Component.VAE, "vae"));
        return blocks == null ? all : all.otherwise(blocks);
    }

    private Multipliers component(Component component, String name) {
        String multiplier = common.get(name);
        if (multiplier == null) {
            return Multipliers.NONE;
        }
        try {
            return Multipliers.component(component, Double.parseDouble(multiplier));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("%s must be a number, not \"%s\"".formatted(name, multiplier), e);
        }
    }

    private Predicate<String> selection() {
        Predicate<String> wanted = found(common.get("only"), true);
        Predicate<String> unwanted = found(common.get("except"), false);
        return name -> wanted.test(name) && !unwanted.test(name);
    }

    private static Predicate<String> found(@Nullable String regex, boolean otherwise) {
        return regex == null ? _ -> otherwise : NamePattern.found(regex);
    }
}
