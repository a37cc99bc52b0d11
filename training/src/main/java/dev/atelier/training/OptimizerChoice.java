package dev.atelier.training;

import dev.atelier.engine.torch.OptimizerSettings;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** An optimiser with the constants that kohya's {@code optimizer_args} and diffusers' options give it, by their names there. */
enum OptimizerChoice {
    ADAMW,
    ADAMW8BIT,
    ADAFACTOR,
    LION,
    PRODIGY,
    SGD;

    private static final double ADAMW_DECAY = 0.01;

    /** Constants by name, each of which has to be used. */
    private static final class Constants {
        private final Map<String, String> given;
        private final Set<String> unused;

        Constants(Map<String, String> given) {
            this.given = given;
            this.unused = new LinkedHashSet<>(given.keySet());
        }

        double number(String name, double otherwise) {
            unused.remove(name);
            String text = given.get(name);
            return text == null ? otherwise : number(name, text);
        }

        private static double number(String name, String text) {
            try {
                return Double.parseDouble(text.strip());
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "the optimizer's %s is a number, not \"%s\"".formatted(name, text), e);
            }
        }

        /** One of several numbers with commas between, such as {@code betas=0.9,0.99}. */
        double number(String name, int place, double otherwise) {
            unused.remove(name);
            String text = given.get(name);
            if (text == null) {
                return otherwise;
            }
            String[] all = text.replaceAll("[()\\[\\]]", "").split(",", -1);
            if (place >= all.length) {
                throw new IllegalArgumentException(
                        "the optimizer's %s are several numbers, not \"%s\"".formatted(name, text));
            }
            return number(name, all[place]);
        }

        boolean flag(String name, boolean otherwise) {
            unused.remove(name);
            String text = given.get(name);
            return text == null
                    ? otherwise
                    : switch (text.strip().toLowerCase(Locale.ROOT)) {
                        case "true" -> true;
                        case "false" -> false;
                        default ->
                            throw new IllegalArgumentException(
                                    "the optimizer's %s is true or false, not \"%s\"".formatted(name, text));
                    };
        }
    }

    /**
     * @param given constants by name
     * @throws IllegalArgumentException if there is one that the optimiser does not have
     */
    OptimizerSettings settings(Map<String, String> given) {
        Constants constants = new Constants(given);
        OptimizerSettings settings = settings(constants);
        if (!constants.unused.isEmpty()) {
            throw new IllegalArgumentException("the optimizer %s has no %s"
                    .formatted(name().toLowerCase(Locale.ROOT), String.join(", ", constants.unused)));
        }
        return settings;
    }

    private static OptimizerSettings.AdamW adamW(Constants given, double decay) {
        return new OptimizerSettings.AdamW(
                given.number("betas", 0, 0.9), given.number("betas", 1, 0.999), given.number("eps", 1e-8), decay);
    }

    private OptimizerSettings settings(Constants given) {
        double decay = given.number("weight_decay", this == ADAMW || this == ADAMW8BIT ? ADAMW_DECAY : 0);
        return switch (this) {
            case ADAMW -> adamW(given, decay);
            case ADAMW8BIT -> new OptimizerSettings.AdamW8bit(adamW(given, decay));
            case ADAFACTOR ->
                new OptimizerSettings.Adafactor(
                        given.number("eps", 0, 1e-30),
                        given.number("eps", 1, 1e-3),
                        given.number("clip_threshold", 1),
                        given.number("decay_rate", -0.8),
                        given.number("beta1", 0),
                        decay,
                        given.flag("scale_parameter", false),
                        given.flag("relative_step", false),
                        given.flag("warmup_init", false));
            case LION ->
                new OptimizerSettings.Lion(given.number("betas", 0, 0.9), given.number("betas", 1, 0.99), decay);
            // as in diffusers' script for SDXL
            case PRODIGY -> {
                double beta2 = given.number("betas", 1, 0.999);
                yield new OptimizerSettings.Prodigy(
                        given.number("betas", 0, 0.9),
                        beta2,
                        given.number("beta3", Math.sqrt(beta2)),
                        given.number("eps", 1e-8),
                        decay,
                        given.flag("decouple", true),
                        given.flag("use_bias_correction", true),
                        given.flag("safeguard_warmup", true),
                        given.number("d0", 1e-6),
                        given.number("d_coef", 1),
                        given.number("growth_rate", Double.POSITIVE_INFINITY));
            }
            case SGD -> new OptimizerSettings.Sgd(given.number("momentum", 0.9), given.flag("nesterov", true), decay);
        };
    }
}
