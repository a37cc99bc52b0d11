package dev.atelier.merge;

import dev.atelier.checkpoint.Component;
import java.util.OptionalDouble;

/** Multipliers of their own for some tensors: the weights of blocks, elements and components. */
@FunctionalInterface
public interface Multipliers {
    /** The method's own setting for every tensor. */
    Multipliers NONE = _ -> OptionalDouble.empty();

    /** The multiplier of the tensor called {@code name}; empty for the method's own setting. */
    OptionalDouble of(String name);

    /** One multiplier for a whole component; a text encoder is found in the layouts of all Stable Diffusion versions. */
    static Multipliers component(Component component, double multiplier) {
        return name -> belongsTo(component, name) ? OptionalDouble.of(multiplier) : OptionalDouble.empty();
    }

    /** These multipliers, and where they have none, those. */
    default Multipliers otherwise(Multipliers others) {
        return name -> {
            OptionalDouble own = of(name);
            return own.isPresent() ? own : others.of(name);
        };
    }

    private static boolean belongsTo(Component component, String name) {
        return Component.of(name) == component
                || (component == Component.TEXT_ENCODER && name.startsWith("conditioner.embedders."));
    }

    /** @throws IllegalArgumentException if there is a multiplier, but the method takes none */
    default Settings apply(String name, MergeMethod method, Settings settings) {
        OptionalDouble own = of(name);
        if (own.isEmpty()) {
            return settings;
        }
        Parameter<Double> parameter = method.multiplier()
                .orElseThrow(() -> new IllegalArgumentException(
                        "%s has no multiplier that could differ from block to block".formatted(method)));
        Settings changed = settings.with(parameter, own.getAsDouble());
        try {
            changed.of(parameter);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("%s, for \"%s\": %s".formatted(method, name, e.getMessage()), e);
        }
        return changed;
    }
}
