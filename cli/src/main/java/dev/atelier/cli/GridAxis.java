package dev.atelier.cli;

import static java.util.Map.entry;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ScriptText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * What changes from one picture of a grid to the next.
 *
 * @param name the option without its hyphens, or {@code prompt}
 * @param values as they are written
 * @param settings what each of them does
 */
record GridAxis(String name, List<String> values, List<Setting> settings) {

    /**
     * @param label what stands beside the pictures; "" for nothing
     * @param arguments for {@code generate}
     * @param change what is done besides
     */
    record Setting(String label, List<String> arguments, UnaryOperator<GenerationRequest> change) {
        /** Whether it takes loading a model. */
        boolean isOfModel() {
            return !arguments.isEmpty() && GenerateCommand.MODEL_OPTIONS.contains(arguments.getFirst());
        }
    }

    /** A single picture. */
    static final GridAxis NONE =
            new GridAxis("", List.of(""), List.of(new Setting("", List.of(), UnaryOperator.identity())));

    /** What AUTOMATIC1111's script calls the axes that it knows. */
    private static final Map<String, String> TYPES = Map.ofEntries(
            entry("seed", "Seed"),
            entry("variation-seed", "Var. seed"),
            entry("variation-strength", "Var. strength"),
            entry("steps", "Steps"),
            entry("hires-steps", "Hires steps"),
            entry("cfg", "CFG Scale"),
            entry("prompt", "Prompt S/R"),
            entry("sampler", "Sampler"),
            entry("hires-sampler", "Hires sampler"),
            entry("model", "Checkpoint name"),
            entry("ngms", "Negative Guidance minimum sigma"),
            entry("sigma-churn", "Sigma Churn"),
            entry("sigma-tmin", "Sigma min"),
            entry("sigma-tmax", "Sigma max"),
            entry("sigma-noise", "Sigma noise"),
            entry("sigma-min", "Schedule min sigma"),
            entry("sigma-max", "Schedule max sigma"),
            entry("rho", "Schedule rho"),
            entry("beta-alpha", "Beta schedule alpha"),
            entry("beta-beta", "Beta schedule beta"),
            entry("eta", "Eta"),
            entry("clip-skip", "Clip skip"),
            entry("strength", "Denoising"),
            entry("hires-upscaler", "Hires upscaler"),
            entry("vae", "VAE"),
            entry("merge-tokens", "Token merging ratio"),
            entry("discard-penultimate", "Always discard next-to-last sigma"),
            entry("sgm-noise", "SGM noise multiplier"),
            entry("refiner", "Refiner checkpoint"),
            entry("refiner-at", "Refiner switch at"),
            entry("rng", "RNG source"));

    private static final Set<String> YES = Set.of("yes", "on", "true");
    private static final Set<String> NO = Set.of("no", "off", "false");

    /**
     * Reads {@code option=value,value}. Numbers may be ranges as in AUTOMATIC1111's script: {@code 1-5}, {@code 1-9 (+2)} by
     * steps of 2, {@code 1-10 [4]} four of them.
     *
     * @param options those of {@code generate}
     * @param request whose prompt is searched
     */
    static GridAxis of(String text, CommandSpec options, GenerationRequest request) {
        int equals = text.indexOf('=');
        if (equals < 1) {
            throw new IllegalArgumentException("an axis is OPTION=VALUE,VALUE, not \"%s\"".formatted(text));
        }
        String name = text.substring(0, equals).strip().replaceFirst("^--", "");
        List<String> values = ScriptText.values(text.substring(equals + 1));
        if (name.equals("prompt")) {
            return replacing(values, request);
        }
        OptionSpec option = options.findOption("--" + name);
        if (option == null
                || Set.of("output", "overwrite", "preview", "prompts", "help", "version")
                        .contains(name)) {
            throw new IllegalArgumentException(
                    "an axis is an option of 'atelier generate' or the word prompt, not \"%s\"".formatted(name));
        }
        boolean isFlag = option.arity().max() == 0;
        Class<?> type = option.type();
        boolean isWhole = type == Integer.class || type == Long.class;
        if (isWhole || type == Double.class) {
            values = values.stream()
                    .flatMap(value -> ScriptText.range(value, isWhole).stream())
                    .toList();
        }
        List<Setting> settings = new ArrayList<>();
        for (String value : values) {
            List<String> arguments =
                    !isFlag ? List.of("--" + name, value) : isYes(name, value) ? List.of("--" + name) : List.of();
            settings.add(new Setting(name + ": " + value, arguments, UnaryOperator.identity()));
        }
        return new GridAxis(name, values, settings);
    }

    private static boolean isYes(String name, String value) {
        if (!YES.contains(value) && !NO.contains(value)) {
            throw new IllegalArgumentException("--%s is yes or no, not \"%s\"".formatted(name, value));
        }
        return YES.contains(value);
    }

    /** The first value is what the others take the place of. */
    private static GridAxis replacing(List<String> values, GenerationRequest request) {
        String searched = values.getFirst();
        if (!request.prompt().contains(searched) && !request.negativePrompt().contains(searched)) {
            throw new IllegalArgumentException(
                    "the prompt does not have \"%s\", which the other values are to replace".formatted(searched));
        }
        return new GridAxis(
                "prompt",
                values,
                values.stream()
                        .map(value -> new Setting(
                                value,
                                List.of(),
                                given -> given.prompt(given.prompt().replace(searched, value))
                                        .negativePrompt(given.negativePrompt().replace(searched, value))))
                        .toList());
    }

    /**
     * The two axes of a prompt of which all parts but the first are there or not: {@code a cat|in the rain|at night} gives
     * four pictures.
     */
    static List<GridAxis> matrix(String prompt) {
        List<String> parts = ScriptText.parts(prompt);
        int more = parts.size() - 1;
        if (more < 1 || more > 8) {
            throw new IllegalArgumentException(
                    "a matrix takes a prompt with 1 to 8 parts behind the first, as in \"a cat|in the rain|at night\"");
        }
        int across = (more + 1) / 2;
        return List.of(matrix(parts, 1, across), matrix(parts, 1 + across, more - across));
    }

    private static GridAxis matrix(List<String> parts, int first, int count) {
        List<Setting> settings = new ArrayList<>();
        for (int bits = 0; bits < 1 << count; bits++) {
            int chosen = bits;
            List<String> some = IntStream.range(0, count)
                    .filter(i -> (chosen >> i & 1) == 1)
                    .mapToObj(i -> parts.get(first + i))
                    .toList();
            settings.add(new Setting(
                    String.join(", ", some),
                    List.of(),
                    request -> request.prompt(
                            String.join(", ", start(request.prompt(), parts, first), String.join(", ", some))
                                    .replaceFirst(", $", ""))));
        }
        return new GridAxis("prompt", settings.stream().map(Setting::label).toList(), settings);
    }

    /** What the axis before has made of the prompt, or its first part. */
    private static String start(String prompt, List<String> parts, int first) {
        return first == 1 ? parts.getFirst() : prompt;
    }

    boolean isNone() {
        return name.isEmpty();
    }

    /** As AUTOMATIC1111 would call it. */
    String type() {
        return TYPES.getOrDefault(name, name);
    }
}
