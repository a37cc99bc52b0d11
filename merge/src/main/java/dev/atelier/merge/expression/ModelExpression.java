package dev.atelier.merge.expression;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.regex.Pattern;

/**
 * A model written as text: a file, or what operators and functions make of files, for example {@code 0.7*A + 0.3*B},
 * {@code A + 0.8*(B - C)}, {@code slerp(A, B, 0.4)} or {@code A.prune().fp16()}.
 *
 * <pre>
 * sum      = product { ("+" | "-") product }
 * product  = signed { ("*" | "/") signed }
 * signed   = { "+" | "-" } calls
 * calls    = operand { "." function "(" arguments ")" }
 * operand  = number | name | quoted | "(" sum ")" | function "(" arguments ")"
 * arguments = [ argument { "," argument } ]
 * argument = [ name "=" ] sum { ":" number }
 * </pre>
 *
 * <p>A name is a run of letters, digits and {@code _ . ~ @ # / \}, with dashes between them; others are quoted, with
 * {@code "} or {@code '}, which is doubled inside. {@code A.f(x)} means {@code f(A, x)}. Functions are the methods of
 * {@link dev.atelier.merge.MergeMethods} and those of {@link ModelFunction}, {@code vae(A, FILE)},
 * {@code unet(A, FILE)}, {@code text-encoder(A, FILE)} and {@code lora(A, style:0.6, …)}. {@code extract-lora(A, B)},
 * {@code merge-lora(style:0.6, …)}, {@code resize-lora(style, rank=8)}, {@code kohya-lora(style)} and {@code diffusers-lora(style)}
 * stand for a LoRA.
 */
public final class ModelExpression {
    /** Longer ones are refused: nobody writes them. */
    public static final int MAX_LENGTH = 10_000;

    private static final Pattern BARE = Pattern.compile("[A-Za-z][A-Za-z0-9_]*");

    private final String text;
    private final Node node;

    private ModelExpression(String text, Node node) {
        this.text = text;
        this.node = node;
    }

    /** @throws ExpressionException showing the place where the text does not follow the grammar */
    public static ModelExpression parse(String text) {
        if (text.length() > MAX_LENGTH) {
            throw new ExpressionException(
                    "the expression has %d characters; at most %d are read".formatted(text.length(), MAX_LENGTH),
                    text,
                    MAX_LENGTH);
        }
        return new ModelExpression(text, Parser.parse(text));
    }

    /**
     * What a user wrote where a model is expected: the name of a model as it stands, whatever characters it has, or else
     * an expression.
     *
     * @throws ExpressionException showing the place where the text does not follow the grammar
     */
    public static ModelExpression of(String text, ModelNames names) {
        return names.find(text).isPresent() ? parse(quoted(text)) : parse(text);
    }

    /**
     * A function called on models.
     *
     * @param named further arguments; values are quoted where they need to be
     */
    public static ModelExpression call(String function, List<ModelExpression> models, Map<String, String> named) {
        return calledOn(function, models.stream().map(model -> model.text).toList(), named);
    }

    /** A LoRA with its strengths. */
    public record StrongLora(ModelExpression lora, double text, double unet) {
        private String written() {
            return "%s:%s:%s".formatted(lora.text, Resolver.text(text), Resolver.text(unet));
        }
    }

    /** A function called on LoRAs with strengths. */
    public static ModelExpression callOnLoras(String function, List<StrongLora> loras, Map<String, String> named) {
        return calledOn(function, loras.stream().map(StrongLora::written).toList(), named);
    }

    /** What LoRAs do to this model, each added to what those before it have made, as one LoRA for it: {@code extract-lora}. */
    public ModelExpression extractionOf(List<StrongLora> loras, Map<String, String> named) {
        List<String> operands = new ArrayList<>(List.of("fp32(%s)".formatted(text))); // or rounding would be extracted
        loras.forEach(lora -> operands.add(lora.written()));
        return call("extract-lora", List.of(calledOn("lora", operands, Map.of()), this), named);
    }

    private static ModelExpression calledOn(String function, List<String> operands, Map<String, String> named) {
        StringJoiner arguments = new StringJoiner(", ", function + "(", ")");
        operands.forEach(arguments::add);
        named.forEach((name, value) -> arguments.add(name + "=" + (isNumber(value) ? value : quoted(value))));
        return parse(arguments.toString());
    }

    /**
     * The expression in one form of the many that mean the same.
     *
     * @param names other names for its files; those that it lacks stay
     */
    public ModelExpression canonical(Map<String, String> names) {
        return parse(new Canonical(names).of(node));
    }

    /** The merge that AUTOMATIC1111 would make by the same formula, if it can. */
    public Optional<WebUiMerge> webUiMerge() {
        return WebUiMerge.of(node);
    }

    /** The expression as it was written. */
    public String text() {
        return text;
    }

    /** The name, if the expression is nothing but that of one model. */
    public Optional<String> singleName() {
        return node instanceof Node.Name model ? Optional.of(model.name()) : Optional.empty();
    }

    /** Two names: of a model, and of what its VAE is taken from. */
    public record SwappedVae(String model, String vae) {}

    /** The names, if the expression is nothing but {@code vae(model, vae)}. */
    public Optional<SwappedVae> swappedVae() {
        return node instanceof Node.Call(String function, List<Node.Argument> arguments, int _)
                        && function.equals("vae")
                        && arguments.size() == 2
                        && arguments.getFirst().value() instanceof Node.Name(String model, int _)
                        && arguments.getLast().value() instanceof Node.Name(String vae, int _)
                ? Optional.of(new SwappedVae(model, vae))
                : Optional.empty();
    }

    /**
     * Opens the files and composes the lazy checkpoint; no tensor is read.
     *
     * @throws ExpressionException if a name stands for no file, or a function is called as it cannot be
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if a file is unsound, or the models do not fit together
     */
    public ResolvedModel resolve(ModelNames names) {
        return resolve(names, Progress.NONE);
    }

    /**
     * As {@link #resolve(ModelNames)}, for an expression that makes a LoRA: that is computed now.
     *
     * @param progress hears how far that is, and may stop it
     */
    public ResolvedModel resolve(ModelNames names, Progress progress) {
        Resolver resolver = new Resolver(text, names, progress);
        Checkpoint checkpoint = resolver.checkpoint(node);
        return new ResolvedModel(this, checkpoint, resolver.inputs(), resolver.warnings(), resolver.metadata());
    }

    private static boolean isNumber(String value) {
        return value.matches("-?[0-9]+(\\.[0-9]+)?([eE]-?[0-9]+)?");
    }

    static String quoted(String name) {
        return BARE.matcher(name).matches() ? name : "\"%s\"".formatted(name.replace("\"", "\"\""));
    }

    @Override
    public String toString() {
        return text;
    }
}
