package dev.atelier.merge.expression;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Slim;
import dev.atelier.merge.Adjustment;
import dev.atelier.merge.Merge;
import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.MergeMethods;
import dev.atelier.merge.Multipliers;
import dev.atelier.merge.expression.Node.Argument;
import dev.atelier.merge.lora.Lora;
import dev.atelier.merge.lora.LoraMerge;
import dev.atelier.merge.rebasin.Rebasin;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Turns a parsed expression into a lazy checkpoint. Every file is opened once. */
final class Resolver {
    /** What rounding may leave of a sum of coefficients that is 0 or 1 on paper. */
    private static final double ROUNDING = 1e-12;

    private static final int SHOWN = 5;

    private static final String DISCARD = "discard";

    private static final String FALLBACK = "fallback";

    private static final String ADJUST = "adjust";

    private static final String REBASIN = "rebasin";

    /** The functions that put a component of another file in. */
    private static final Map<String, Component> COMPONENTS =
            Map.of("vae", Component.VAE, "unet", Component.UNET, "text-encoder", Component.TEXT_ENCODER);

    private final String text;
    private final ModelNames names;
    private final Progress progress;
    private final SequencedMap<String, Path> inputs = new LinkedHashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private final Map<Path, Checkpoint> opened = new ConcurrentHashMap<>();
    private final Map<Path, Map<String, String>> metadata = new ConcurrentHashMap<>();

    /** What a part of an expression stands for. */
    private sealed interface Value {}

    private record Scalar(double value) implements Value {}

    /** A sum of models, each with its coefficient. */
    private record Models(List<Term> terms) implements Value {
        static Models of(Checkpoint model) {
            return new Models(List.of(new Term(1, model)));
        }

        Models times(double factor) {
            return map(coefficient -> factor * coefficient);
        }

        Models map(DoubleUnaryOperator change) {
            return new Models(terms.stream()
                    .map(term -> new Term(change.applyAsDouble(term.coefficient), term.model))
                    .toList());
        }

        Models plus(Models others) {
            List<Term> all = new ArrayList<>(terms);
            all.addAll(others.terms);
            return new Models(all);
        }
    }

    private record Term(double coefficient, Checkpoint model) {}

    /** @param progress hears of what cannot wait until the result is read: the functions of {@link LoraCall} */
    Resolver(String text, ModelNames names, Progress progress) {
        this.text = text;
        this.names = names;
        this.progress = progress;
    }

    /** Whether a function changes one model, rather than merging several. */
    static boolean isStep(String function) {
        return COMPONENTS.containsKey(function)
                || function.equals(DISCARD)
                || function.equals(FALLBACK)
                || function.equals(ADJUST)
                || function.equals(REBASIN)
                || ModelFunction.named(function).isPresent();
    }

    SequencedMap<String, Path> inputs() {
        return inputs;
    }

    List<String> warnings() {
        return warnings;
    }

    /** Of the files that have been opened. */
    Map<Path, Map<String, String>> metadata() {
        return metadata;
    }

    Checkpoint checkpoint(Node node) {
        if (value(node) instanceof Models models) {
            return sum(models.terms, node);
        }
        throw error("this is a number, where a model is expected", node);
    }

    private Value value(Node node) {
        return switch (node) {
            case Node.Literal number -> new Scalar(number.value());
            case Node.Name name -> Models.of(open(file(name)));
            case Node.Call call -> Models.of(call(call));
            case Node.Sum sum -> sum(sum);
            case Node.Product product -> product(product);
        };
    }

    private Value sum(Node.Sum sum) {
        double sign = sum.minus() ? -1 : 1;
        Value left = value(sum.left());
        Value right = value(sum.right());
        if (left instanceof Scalar(double x) && right instanceof Scalar(double y)) {
            return new Scalar(x + sign * y);
        }
        if (left instanceof Models x && right instanceof Models y) {
            return x.plus(sum.minus() ? y.times(-1) : y);
        }
        throw error("a number and a model cannot be added; numbers multiply models", sum);
    }

    private Value product(Node.Product product) {
        Value left = value(product.left());
        Value right = value(product.right());
        if (right instanceof Scalar(double y)) {
            if (product.divided() && y == 0) {
                throw error("nothing can be divided by 0", product);
            }
            return switch (left) {
                case Scalar(double x) -> new Scalar(product.divided() ? x / y : x * y);
                case Models x -> x.map(coefficient -> product.divided() ? coefficient / y : coefficient * y);
            };
        }
        if (left instanceof Scalar(double x) && !product.divided()) {
            return ((Models) right).times(x);
        }
        throw error("models are multiplied and divided by numbers only", product);
    }

    /**
     * The sum of the terms. What AUTOMATIC1111's merger can compute is computed with its arithmetic, so that the same
     * formula gives the same bits; anything else in fp64 and rounded once.
     */
    private Checkpoint sum(List<Term> terms, Node node) {
        double total = terms.stream().mapToDouble(Term::coefficient).sum();
        if (!Double.isFinite(total)) {
            throw error("the models' factors are too large", node);
        }
        if (Math.abs(total) < ROUNDING) {
            throw error("a difference of models is no model; add it to one, as in A + 0.8*(B - C)", node);
        }
        Term a = terms.getFirst();
        if (terms.size() == 1 && a.coefficient == 1) {
            return a.model;
        }
        if (terms.size() == 2 && Math.abs(total - 1) < ROUNDING) {
            Term b = terms.get(1);
            return Merge.weightedSum(a.model, b.model, b.coefficient);
        }
        if (terms.size() == 3 && a.coefficient == 1 && terms.get(1).coefficient == -terms.get(2).coefficient) {
            Term b = terms.get(1);
            return Merge.addDifference(a.model, b.model, terms.get(2).model, b.coefficient);
        }
        String weights =
                terms.stream().map(term -> Double.toString(term.coefficient)).collect(Collectors.joining(","));
        var linear = MergeMethods.named("linear");
        return Merge.with(
                linear,
                linear.settings(Map.of("weights", weights, "normalize", "false")),
                terms.stream().map(Term::model).toList(),
                Multipliers.NONE,
                _ -> true);
    }

    private Checkpoint call(Node.Call call) {
        Component replaced = COMPONENTS.get(call.function());
        if (replaced != null) {
            requireArguments(call, 2, "a model and the file that holds the " + replaced.label());
            return Slim.with(replaced, model(call, 0), model(call, 1));
        }
        if (call.function().equals(DISCARD)) {
            return discard(call);
        }
        if (call.function().equals(FALLBACK)) {
            requireArguments(call, 2, "a model and the one that has what it lacks");
            return Slim.filledFrom(model(call, 1), model(call, 0));
        }
        if (call.function().equals(ADJUST)) {
            return adjust(call);
        }
        if (call.function().equals(REBASIN)) {
            requireArguments(call, 2, "a model and the one in whose order its neurons are put");
            return rebasin(model(call, 0), model(call, 1));
        }
        if (call.function().equals("lora")) {
            return lora(call);
        }
        var loraCall = LoraCall.named(call.function());
        if (loraCall.isPresent()) {
            return lora(loraCall.get(), call);
        }
        var function = ModelFunction.named(call.function());
        if (function.isPresent()) {
            requireArguments(call, 1, "a model and nothing else");
            Checkpoint model = model(call, 0);
            return function.get().operation().apply(model);
        }
        return merge(call);
    }

    /** {@code discard(A, pattern="^model_ema")}: without the tensors in whose name the pattern is found. */
    private Checkpoint discard(Node.Call call) {
        List<Argument> arguments = call.arguments();
        if (arguments.size() != 2
                || !arguments.getFirst().name().isEmpty()
                || !arguments.getLast().name().equals("pattern")) {
            throw error("discard takes a model and a pattern, as in discard(A, pattern=\"^model_ema\")", call);
        }
        arguments.forEach(this::requireNoStrengths);
        Argument pattern = arguments.getLast();
        String regex = pattern.value() instanceof Node.Name word ? word.name() : number(pattern.value());
        try {
            return model(call, 0).filter(NamePattern.found(regex).negate());
        } catch (ExpressionException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new ExpressionException(String.valueOf(e.getMessage()), text, pattern.at(), e);
        }
    }

    /** {@code adjust(A, "0,0,2,1")}, as SuperMerger writes it. */
    private Checkpoint adjust(Node.Call call) {
        requireArguments(call, 2, "a model and its numbers, as in adjust(A, \"0,0,2,1\")");
        Node written = call.arguments().getLast().value();
        String numbers = written instanceof Node.Name word ? word.name() : number(written);
        Checkpoint model = model(call, 0);
        try {
            return Adjustment.of(
                    model,
                    Stream.of(numbers.split(",", -1)).map(Double::valueOf).toList());
        } catch (NumberFormatException e) {
            throw new ExpressionException("adjust takes numbers between commas", text, written.at(), e);
        } catch (IllegalArgumentException e) {
            throw new ExpressionException(String.valueOf(e.getMessage()), text, written.at(), e);
        }
    }

    private Checkpoint rebasin(Checkpoint model, Checkpoint reference) {
        Rebasin aligned = Rebasin.of(model, reference, progress);
        warnings.add("rebasin: %,d of %,d neurons stood elsewhere".formatted(aligned.moved(), aligned.neurons()));
        return aligned.checkpoint();
    }

    /** {@code lora(A, style:0.6, other:1:0.5)}: strengths as in AUTOMATIC1111's prompts, the UNet's after the text encoder's. */
    private Checkpoint lora(Node.Call call) {
        if (call.arguments().size() < 2) {
            throw error("lora takes a model and the LoRAs to add, as in lora(A, style:0.6)", call);
        }
        requireNoStrengths(call.arguments().getFirst());
        Checkpoint model = model(call, 0);
        for (Argument argument : call.arguments().subList(1, call.arguments().size())) {
            LoraMerge.Weighted weighted = weighted(argument);
            Lora lora = weighted.lora();
            List<String> unmatched = lora.unmatched(model);
            if (!unmatched.isEmpty()) {
                warnings.add("%s: %d tensors have no place in the model: %s%s"
                        .formatted(
                                lora.name(),
                                unmatched.size(),
                                String.join(", ", unmatched.subList(0, Math.min(SHOWN, unmatched.size()))),
                                unmatched.size() > SHOWN ? ", …" : ""));
            }
            model = lora.bake(model, weighted.unet(), weighted.text());
        }
        return model;
    }

    /** A LoRA and its strengths: of one for both, of two the text encoders' first. */
    private LoraMerge.Weighted weighted(Argument argument) {
        boolean isMade = argument.value() instanceof Node.Call call
                && LoraCall.named(call.function()).isPresent();
        if (!(argument.value() instanceof Node.Name || isMade)
                || !argument.name().isEmpty()
                || argument.strengths().size() > 2) {
            throw new ExpressionException(
                    "a LoRA is a name and up to two strengths, as in style:0.6", text, argument.at());
        }
        double te = argument.strengths().isEmpty()
                ? 1
                : argument.strengths().getFirst().value();
        double unet =
                argument.strengths().size() == 2 ? argument.strengths().get(1).value() : te;
        Lora lora = argument.value() instanceof Node.Name name
                ? Lora.open(file(name))
                : Lora.of(checkpoint(argument.value()));
        return new LoraMerge.Weighted(lora, unet, te);
    }

    private Checkpoint lora(LoraCall function, Node.Call call) {
        List<Checkpoint> models = new ArrayList<>();
        List<LoraMerge.Weighted> loras = new ArrayList<>();
        Map<String, String> parameters = new HashMap<>();
        for (Argument argument : call.arguments()) {
            if (!argument.name().isEmpty()) {
                at(argument, () -> function.requireParameter(argument.name()));
                parameters.put(
                        argument.name(),
                        argument.value() instanceof Node.Name word ? word.name() : number(argument.value()));
            } else if (function == LoraCall.EXTRACT_LORA) {
                requireNoStrengths(argument);
                models.add(checkpoint(argument.value()));
            } else {
                loras.add(weighted(argument));
            }
        }
        try {
            return function.of(new LoraCall.Operands(models, loras), parameters, progress);
        } catch (IllegalArgumentException e) {
            throw new ExpressionException(String.valueOf(e.getMessage()), text, call.at(), e);
        }
    }

    private Checkpoint merge(Node.Call call) {
        MergeCall merge = new MergeCall(method(call));
        List<Path> files = call.arguments().stream()
                .filter(argument -> argument.name().isEmpty())
                .flatMap(
                        argument -> argument.value() instanceof Node.Name name ? Stream.of(file(name)) : Stream.empty())
                .toList();
        files.parallelStream().forEach(this::open);
        for (Argument argument : call.arguments()) {
            requireNoStrengths(argument);
            if (!argument.name().isEmpty()) {
                String written = argument.value() instanceof Node.Name word ? word.name() : number(argument.value());
                at(argument, () -> merge.set(argument.name(), written));
            } else if (value(argument.value()) instanceof Scalar(double number)) {
                at(argument, () -> merge.add(text(number)));
            } else {
                Checkpoint model = checkpoint(argument.value());
                at(argument, () -> merge.add(model));
            }
        }
        try {
            return merge.result();
        } catch (IllegalArgumentException e) {
            throw new ExpressionException(String.valueOf(e.getMessage()), text, call.at(), e);
        }
    }

    private MergeMethod method(Node.Call call) {
        return MergeMethods.all().stream()
                .filter(method -> method.name().equals(call.function()))
                .findFirst()
                .orElseThrow(() -> {
                    List<String> all = new ArrayList<>(List.of("lora", DISCARD, FALLBACK, ADJUST, REBASIN));
                    List.of(LoraCall.values()).forEach(function -> all.add(function.toString()));
                    all.addAll(COMPONENTS.keySet());
                    ModelFunction.names().forEach(all::add);
                    MergeMethods.all().forEach(method -> all.add(method.name()));
                    return error(
                            "there is no function \"%s\"%s"
                                    .formatted(call.function(), Suggestions.of(call.function(), all)),
                            call);
                });
    }

    private void at(Argument argument, Runnable step) {
        try {
            step.run();
        } catch (IllegalArgumentException e) {
            throw new ExpressionException(String.valueOf(e.getMessage()), text, argument.at(), e);
        }
    }

    private String number(Node node) {
        if (value(node) instanceof Scalar(double number)) {
            return text(number);
        }
        throw error("a number or a word is expected here", node);
    }

    /** As a user would write it: whole numbers without a point, because some parameters take nothing else. */
    static String text(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1e15
                ? Long.toString((long) number)
                : Double.toString(number);
    }

    private Checkpoint model(Node.Call call, int index) {
        return checkpoint(call.arguments().get(index).value());
    }

    private void requireArguments(Node.Call call, int count, String what) {
        if (call.arguments().size() != count) {
            throw error("%s takes %s".formatted(call.function(), what), call);
        }
        for (Argument argument : call.arguments()) {
            requireNoStrengths(argument);
            if (!argument.name().isEmpty()) {
                throw new ExpressionException(
                        "%s has no parameter \"%s\"".formatted(call.function(), argument.name()), text, argument.at());
            }
        }
    }

    private void requireNoStrengths(Argument argument) {
        if (!argument.strengths().isEmpty()) {
            throw error(
                    "only a LoRA is followed by a colon and its strength",
                    argument.strengths().getFirst());
        }
    }

    private Checkpoint open(Path file) {
        return opened.computeIfAbsent(file, unknown -> {
            Checkpoint checkpoint = Checkpoints.open(unknown);
            metadata.put(unknown, checkpoint.metadata());
            return Layout.normalize(checkpoint);
        });
    }

    private Path file(Node.Name model) {
        Path file = inputs.get(model.name());
        if (file != null) {
            return file;
        }
        try {
            file = names.find(model.name()).orElseThrow(() -> error(names.notFound(model.name()), model));
        } catch (ExpressionException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new ExpressionException(String.valueOf(e.getMessage()), text, model.at(), e);
        }
        inputs.put(model.name(), file);
        return file;
    }

    private ExpressionException error(String problem, Node node) {
        return new ExpressionException(problem, text, node.at());
    }
}
