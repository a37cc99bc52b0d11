package dev.atelier.merge.lora;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * How many singular values of a layer a LoRA keeps: at most a number, and where a share is asked for no more than that needs.
 * The rules are those of kohya's {@code resize_lora.py}, which keep one value more than their share asks for, and at least two.
 *
 * @param linear the most that matrices and 1×1 convolutions keep, at least 1
 * @param convolution the most that larger convolutions keep; 0 for a LoRA that leaves them alone
 * @param rule by what the number is found
 * @param share the rule's parameter; without meaning for {@link Rule#FIXED}
 */
public record Ranks(int linear, int convolution, Rule rule, double share) {
    /** By what the number of singular values is found. */
    public enum Rule {
        /** Always the most. */
        FIXED,
        /** Those larger than the largest divided by the share, which is above 1. */
        SV_RATIO,
        /** As many as hold that share, 0 to 1, of the Frobenius norm. */
        SV_FRO,
        /** As many as hold that share, 0 to 1, of the sum of all. */
        SV_CUMULATIVE;

        /** As kohya writes it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What kohya counts as zero. */
    private static final double ZERO = 1e-6;

    /** @throws IllegalArgumentException if a number is out of its range */
    public Ranks {
        if (linear < 1 || convolution < 0) {
            throw new IllegalArgumentException("a rank is at least 1");
        }
        boolean isShare = rule == Rule.SV_FRO || rule == Rule.SV_CUMULATIVE;
        if ((isShare && !(share > 0 && share <= 1)) || (rule == Rule.SV_RATIO && !(share > 1))) {
            throw new IllegalArgumentException(
                    "%s is %s, not %s".formatted(rule, isShare ? "between 0 and 1" : "above 1", share));
        }
    }

    /** A number for matrices and one for convolutions, whatever the values are. */
    public static Ranks of(int linear, int convolution) {
        return new Ranks(linear, convolution, Rule.FIXED, 0);
    }

    int most(boolean isConvolution) {
        return isConvolution ? convolution : linear;
    }

    /** @param most the largest number to return */
    int of(SingularValues found, int most) {
        List<Double> values = found.values();
        int cap = Math.min(most, values.size());
        if (values.getFirst() <= ZERO) {
            return 1;
        }
        if (rule == Rule.FIXED) {
            return cap;
        }
        int index = switch (rule) {
            case SV_RATIO -> larger(values, values.getFirst() / share);
            case SV_FRO -> reaching(values, 2, share * share * found.energy());
            default ->
                reaching(
                        values,
                        1,
                        share * values.stream().mapToDouble(Double::doubleValue).sum());
        };
        return Math.min(cap, Math.max(1, Math.min(index, found.count() - 1)) + 1);
    }

    /** Whether all values must be known, not only the largest. */
    boolean needsAll() {
        return rule == Rule.SV_CUMULATIVE;
    }

    /** As kohya writes it: ranks that differ from layer to layer are "Dynamic". */
    SequencedMap<String, String> metadata() {
        String rank = rule == Rule.FIXED ? Integer.toString(linear) : "Dynamic";
        SequencedMap<String, String> metadata = new LinkedHashMap<>();
        metadata.put("ss_network_dim", rank);
        metadata.put("ss_network_alpha", rank);
        if (convolution > 0 && rule == Rule.FIXED) {
            metadata.put(
                    "ss_network_args",
                    "{\"conv_dim\": \"%d\", \"conv_alpha\": \"%d\"}".formatted(convolution, convolution));
        }
        return metadata;
    }

    private static int larger(List<Double> values, double limit) {
        int count = 0;
        while (count < values.size() && values.get(count) > limit) {
            count++;
        }
        return count;
    }

    /** One more than the index of the value with which the sum of powers reaches {@code target}. */
    private static int reaching(List<Double> values, int power, double target) {
        double sum = 0;
        int index = 0;
        while (index < values.size()) {
            sum += power == 2 ? values.get(index) * values.get(index) : values.get(index);
            index++;
            if (sum >= target) {
                break;
            }
        }
        return index;
    }
}
