package dev.atelier.merge;

import dev.atelier.checkpoint.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A way to merge models: its documentation and its formula, which sees the tensors of one name at a time. It knows
 * nothing of files, element types, missing names or threads. {@link MergeMethods} lists all of them.
 *
 * <p>Formulas are evaluated in fp64 and their result is rounded once, to the type of the first model's tensor; sums over
 * a tensor run in index order. So a result depends on nothing but the inputs and the settings.
 */
public final class MergeMethod {
    /** What the result is for the tensors of one name. */
    @FunctionalInterface
    interface Formula {
        Tensor of(Operands in, Settings p);
    }

    private final String name;
    private final String formula;
    private final List<String> inputs;
    private final int minimum;
    private final int maximum;
    private final List<Parameter<?>> parameters;
    private final @Nullable Parameter<Double> multiplier;
    private final String source;
    private final Function<List<Operands>, Formula> body;

    private MergeMethod(Builder builder, Function<List<Operands>, Formula> body) {
        this.name = builder.name;
        this.formula = builder.formula;
        this.inputs = builder.inputs;
        this.minimum = builder.minimum;
        this.maximum = builder.maximum;
        this.parameters = List.copyOf(builder.parameters);
        this.multiplier = builder.multiplier;
        this.source = builder.source;
        this.body = body;
    }

    static Builder named(String name) {
        return new Builder(name);
    }

    public String name() {
        return name;
    }

    /** What it computes, in a line. */
    public String formula() {
        return formula;
    }

    /** What the models are called, in the order in which they are given; the last may stand for several. */
    public List<String> inputs() {
        return inputs;
    }

    public List<Parameter<?>> parameters() {
        return parameters;
    }

    /** The parameter that block weights set. */
    public Optional<Parameter<Double>> multiplier() {
        return Optional.ofNullable(multiplier);
    }

    /** The paper or program that the formula comes from. */
    public String source() {
        return source;
    }

    /** How many models it takes, in words. */
    public String models() {
        return minimum == maximum ? minimum + (minimum == 1 ? " model" : " models") : minimum + " models or more";
    }

    /** @throws IllegalArgumentException if the method does not take that many models */
    public void requireModels(int count) {
        if (count < minimum || count > maximum) {
            throw new IllegalArgumentException("%s merges %s, but %d %s given; it takes %s"
                    .formatted(name, models(), count, count == 1 ? "is" : "are", String.join(", ", inputs)));
        }
    }

    /** @throws IllegalArgumentException naming a parameter that the method lacks, or whose value is out of range */
    public Settings settings(Map<String, String> written) {
        written.forEach((key, value) -> {
            Parameter<?> parameter = parameters.stream()
                    .filter(candidate -> candidate.name().equals(key))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            "%s has no parameter \"%s\"; it has %s".formatted(name, key, parameterNames())));
            try {
                parameter.parse(value);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
            }
        });
        return new Settings(written);
    }

    /** The formula, once it knows all tensors that take part. */
    Formula over(List<Operands> all) {
        return body.apply(all);
    }

    private String parameterNames() {
        return parameters.isEmpty()
                ? "none"
                : parameters.stream().map(Parameter::name).collect(Collectors.joining(", "));
    }

    @Override
    public String toString() {
        return name;
    }

    /** Documentation first, then the formula in the form that suits it. */
    static final class Builder {
        private final String name;
        private String formula = "";
        private List<String> inputs = List.of();
        private int minimum;
        private int maximum;
        private final List<Parameter<?>> parameters = new ArrayList<>();
        private @Nullable Parameter<Double> multiplier;
        private String source = "";

        private Builder(String name) {
            this.name = name;
        }

        Builder formula(String text) {
            formula = text;
            return this;
        }

        /** Exactly these models. */
        Builder inputs(String... names) {
            inputs = List.of(names);
            minimum = names.length;
            maximum = names.length;
            return this;
        }

        /** At least {@code count} models; the last name stands for all that follow. */
        Builder inputsFrom(int count, String... names) {
            inputs = List.of(names);
            minimum = count;
            maximum = Integer.MAX_VALUE;
            return this;
        }

        /** The parameter that block weights set. */
        Builder multiplier(Parameter<Double> parameter) {
            multiplier = parameter;
            return parameters(parameter);
        }

        Builder parameters(Parameter<?>... more) {
            parameters.addAll(List.of(more));
            return this;
        }

        Builder source(String text) {
            source = text;
            return this;
        }

        /** Element by element from two models. */
        MergeMethod pairs(Function<Settings, Operands.Pair> element) {
            return tensors((in, p) -> in.pairs(element.apply(p)));
        }

        /** Element by element from three models. */
        MergeMethod triples(Function<Settings, Operands.Triple> element) {
            return tensors((in, p) -> in.triples(element.apply(p)));
        }

        /** Tensor by tensor. */
        MergeMethod tensors(Formula body) {
            return models(all -> body);
        }

        /** Tensor by tensor, with knowledge of all of them. */
        MergeMethod models(Function<List<Operands>, Formula> body) {
            return new MergeMethod(this, body);
        }
    }
}
