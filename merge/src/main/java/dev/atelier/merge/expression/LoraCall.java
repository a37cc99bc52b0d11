package dev.atelier.merge.expression;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.merge.lora.Lora;
import dev.atelier.merge.lora.LoraExtraction;
import dev.atelier.merge.lora.LoraMerge;
import dev.atelier.merge.lora.LoraNaming;
import dev.atelier.merge.lora.LoraResize;
import dev.atelier.merge.lora.Ranks;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A function that makes a LoRA. Unlike all others these compute at once, because the ranks that they find are the shapes of their
 * result.
 */
enum LoraCall {
    EXTRACT_LORA(Set.of("rank", "conv", "sv_ratio", "sv_fro", "sv_cumulative", "text", "dtype")) {
        @Override
        Checkpoint of(Operands operands, Map<String, String> parameters, Progress progress) {
            if (operands.models().size() != 2) {
                throw new IllegalArgumentException("%s takes two models: the tuned one and its base".formatted(this));
            }
            return LoraExtraction.of(
                    operands.models().getFirst(),
                    operands.models().getLast(),
                    ranks(parameters, 0).orElse(Ranks.of(STANDARD_RANK, 0)),
                    isText(parameters),
                    precision(parameters.getOrDefault("dtype", "fp16")),
                    progress);
        }
    },
    MERGE_LORA(Set.of("rank", "conv", "sv_ratio", "sv_fro", "sv_cumulative")) {
        @Override
        Checkpoint of(Operands operands, Map<String, String> parameters, Progress progress) {
            return LoraMerge.of(operands.loras(), ranks(parameters, -1), progress);
        }
    },
    RESIZE_LORA(Set.of("rank", "conv", "sv_ratio", "sv_fro", "sv_cumulative")) {
        @Override
        Checkpoint of(Operands operands, Map<String, String> parameters, Progress progress) {
            return LoraResize.of(
                    single(operands),
                    ranks(parameters, -1).orElseThrow(() -> new IllegalArgumentException("resize-lora needs a rank")),
                    progress);
        }
    },
    KOHYA_LORA(Set.of()) {
        @Override
        Checkpoint of(Operands operands, Map<String, String> parameters, Progress progress) {
            return LoraNaming.KOHYA.rename(single(operands));
        }
    },
    DIFFUSERS_LORA(Set.of()) {
        @Override
        Checkpoint of(Operands operands, Map<String, String> parameters, Progress progress) {
            return LoraNaming.DIFFUSERS.rename(single(operands));
        }
    };

    private static final int STANDARD_RANK = 16;
    private static final int MAX_RANK = 10_000;

    /** What a function is called on: models, or LoRAs with their strengths. */
    record Operands(List<Checkpoint> models, List<LoraMerge.Weighted> loras) {}

    @SuppressWarnings("ImmutableEnumChecker") // made with Set.of
    private final Set<String> parameters;

    LoraCall(Set<String> parameters) {
        this.parameters = parameters;
    }

    static Optional<LoraCall> named(String function) {
        return List.of(values()).stream()
                .filter(call -> call.toString().equals(function))
                .findFirst();
    }

    /** @throws IllegalArgumentException if there is no such parameter */
    void requireParameter(String name) {
        if (!parameters.contains(name)) {
            throw new IllegalArgumentException("%s has no parameter \"%s\"%s"
                    .formatted(this, name, Suggestions.of(name, new TreeSet<>(parameters))));
        }
    }

    abstract Checkpoint of(Operands operands, Map<String, String> parameters, Progress progress);

    private static Lora single(Operands operands) {
        if (operands.loras().size() != 1) {
            throw new IllegalArgumentException("one LoRA is expected here");
        }
        return operands.loras().getFirst().lora();
    }

    /**
     * Empty if no rank is given.
     *
     * @param convolution the rank of convolutions where none is given; -1 for that of matrices
     */
    private static Optional<Ranks> ranks(Map<String, String> parameters, int convolution) {
        List<Ranks.Rule> rules = Stream.of(Ranks.Rule.values())
                .filter(rule -> parameters.containsKey(rule.toString()))
                .toList();
        if (rules.size() > 1) {
            throw new IllegalArgumentException("%s and %s exclude each other".formatted(rules.get(0), rules.get(1)));
        }
        if (!parameters.containsKey("rank")) {
            if (!rules.isEmpty() || parameters.containsKey("conv")) {
                throw new IllegalArgumentException("the largest rank is missing: rank=16, for example");
            }
            return Optional.empty();
        }
        int linear = whole("rank", parameters.get("rank"));
        int larger = parameters.containsKey("conv")
                ? whole("conv", parameters.get("conv"))
                : convolution < 0 ? linear : convolution;
        if (rules.isEmpty()) {
            return Optional.of(Ranks.of(linear, larger));
        }
        Ranks.Rule rule = rules.getFirst();
        return Optional.of(
                new Ranks(linear, larger, rule, number(rule.toString(), parameters.getOrDefault(rule.toString(), ""))));
    }

    private static int whole(String name, String written) {
        double number = number(name, written);
        if (number != Math.rint(number) || number < 0 || number > MAX_RANK) {
            throw new IllegalArgumentException(
                    "%s is a whole number up to %d, not %s".formatted(name, MAX_RANK, written));
        }
        return (int) number;
    }

    private static double number(String name, String written) {
        try {
            return Double.parseDouble(written);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("%s is a number, not \"%s\"".formatted(name, written), e);
        }
    }

    private static boolean isText(Map<String, String> parameters) {
        String text = parameters.getOrDefault("text", "true");
        if (!text.equals("true") && !text.equals("false")) {
            throw new IllegalArgumentException("text is true or false, not \"%s\"".formatted(text));
        }
        return text.equals("true");
    }

    private static DType precision(String name) {
        return switch (name) {
            case "fp16" -> DType.F16;
            case "bf16" -> DType.BF16;
            case "fp32" -> DType.F32;
            default -> throw new IllegalArgumentException("dtype is fp16, bf16 or fp32, not \"%s\"".formatted(name));
        };
    }

    /** As it is written. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
