package dev.atelier.merge;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A number or choice that a merge method can be given.
 *
 * @param name as it is written on a command line
 * @param standard the value where none is given
 * @param standardText that value as {@code --list} prints it
 * @param range the values it may take, in words
 * @param meaning half a sentence
 * @param parser reads a value; throws {@link IllegalArgumentException} where it is out of range
 */
public record Parameter<T>(
        String name, T standard, String standardText, String range, String meaning, Function<String, T> parser) {

    /** Any finite number. */
    static Parameter<Double> number(String name, double standard, String meaning) {
        return new Parameter<>(name, standard, text(standard), "any number", meaning, Parameter::finite);
    }

    /** A number in {@code [low, high]}. */
    static Parameter<Double> between(String name, double standard, double low, double high, String meaning) {
        String range = Double.isInfinite(high)
                ? "at least " + text(low)
                : "between %s and %s".formatted(text(low), text(high));
        return new Parameter<>(name, standard, text(standard), range, meaning, written -> {
            double value = finite(written);
            require(low <= value && value <= high);
            return value;
        });
    }

    /** A whole number from {@code low} on. */
    static Parameter<Long> whole(String name, long standard, long low, String meaning) {
        String range = low == Long.MIN_VALUE ? "a whole number" : "a whole number from %d on".formatted(low);
        return new Parameter<>(name, standard, Long.toString(standard), range, meaning, written -> {
            long value = Long.parseLong(written);
            require(low <= value);
            return value;
        });
    }

    static Parameter<Boolean> flag(String name, boolean standard, String meaning) {
        return new Parameter<>(name, standard, Boolean.toString(standard), "true or false", meaning, written -> {
            require(written.equals("true") || written.equals("false"));
            return written.equals("true");
        });
    }

    /** One of the constants of an enum, written in lower case with hyphens. */
    static <E extends Enum<E>> Parameter<E> choice(String name, E standard, String meaning) {
        E[] constants = standard.getDeclaringClass().getEnumConstants();
        List<String> names = Stream.of(constants).map(Parameter::label).toList();
        return new Parameter<>(name, standard, label(standard), String.join(", ", names), meaning, written -> {
            int chosen = names.indexOf(written);
            require(chosen >= 0);
            return constants[chosen];
        });
    }

    /** A number per model, separated by commas; one number stands for all of them. */
    static Parameter<List<Double>> perModel(String name, double standard, String meaning) {
        String range = "a number, or one per model separated by commas";
        return new Parameter<>(
                name,
                List.of(standard),
                text(standard),
                range,
                meaning,
                written ->
                        Arrays.stream(written.split(",")).map(Parameter::finite).toList());
    }

    /** @throws IllegalArgumentException saying what the value may be */
    public T parse(String written) {
        try {
            return parser.apply(written.strip());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("%s must be %s, not \"%s\"".formatted(name, range, written), e);
        }
    }

    private static double finite(String written) {
        double value = Double.parseDouble(written.strip());
        require(Double.isFinite(value));
        return value;
    }

    private static void require(boolean inRange) {
        if (!inRange) {
            throw new IllegalArgumentException("out of range");
        }
    }

    private static String label(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static String text(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
