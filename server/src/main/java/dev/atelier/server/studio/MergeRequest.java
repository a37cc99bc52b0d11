package dev.atelier.server.studio;

import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.BlockPresets;
import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.MergeMethods;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelNames;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.worker.WriteTask;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The fields of AUTOMATIC1111's Checkpoint Merger, and what else this merger can do.
 *
 * @param primary model A: a name or an expression; likewise the others
 * @param more models behind C, for methods that take any number
 * @param method its "Interpolation Method": a name of {@link MergeMethods}, or {@code none}; null for weighted-sum of two
 *     models and add-difference of three
 * @param parameters of the method, and {@code text}, {@code unet}, {@code vae}, {@code only}, {@code except}, {@code elements}
 * @param blocks the name of a preset or 26 numbers separated by commas; the multiplier is then that of nothing
 * @param prune whether EMA copies and what training leaves are dropped
 * @param precision fp16, bf16, fp32, fp8_e4m3fn or fp8_e5m2; null for that of the inputs
 * @param bakeVae a model whose VAE goes in
 * @param discard a regular expression; tensors in whose name it is found are left out
 * @param name of the new file without ending; null for one that says what was merged
 * @param format safetensors or ckpt
 * @param metadata further entries
 * @param configSource whose {@code .yaml} the new model gets: "A, B or C" (the first that has one), B, C or "Don't"
 */
record MergeRequest(
        @Nullable String primary,
        @Nullable String secondary,
        @Nullable String tertiary,
        @Nullable List<String> more,
        @Nullable String method,
        @Nullable Double multiplier,
        @Nullable Map<String, String> parameters,
        @Nullable String blocks,
        @Nullable Boolean prune,
        @Nullable String precision,
        @Nullable String bakeVae,
        @Nullable String discard,
        @Nullable String name,
        @Nullable String format,
        @Nullable Boolean copyMetadata,
        @Nullable Boolean addRecipe,
        @Nullable Map<String, String> metadata,
        @Nullable String configSource,
        @Nullable Boolean overwrite) {
    private static final String NONE = "none";
    private static final List<String> WEB_UI_METHODS = List.of("weighted-sum", "add-difference");
    private static final List<String> PRECISIONS = List.of("fp16", "bf16", "fp32", "fp8_e4m3fn", "fp8_e5m2");

    /** The multiplier of AUTOMATIC1111's page. */
    private static final double MULTIPLIER = 0.3;

    /** The models in their order; those that are left empty do not count. */
    private List<String> models() {
        return Stream.concat(
                        Stream.of(text(primary), text(secondary), text(tertiary)),
                        more == null ? Stream.of() : more.stream())
                .filter(model -> model != null && !model.isBlank())
                .map(String::strip)
                .toList();
    }

    private static String text(@Nullable String text) {
        return text == null ? "" : text;
    }

    /** The same with another multiplier, or with block weights multiplied by it. */
    MergeRequest at(double m) {
        String scaled = blocks == null
                ? null
                : weights(blocks).stream()
                        .map(weight -> Double.toString(weight * m))
                        .collect(Collectors.joining(","));
        return new MergeRequest(
                primary,
                secondary,
                tertiary,
                more,
                method,
                blocks == null ? Double.valueOf(m) : multiplier,
                parameters,
                scaled,
                prune,
                precision,
                bakeVae,
                discard,
                name,
                format,
                copyMetadata,
                addRecipe,
                metadata,
                configSource,
                overwrite);
    }

    private static List<Double> weights(String blocks) {
        return blocks.contains(",")
                ? Arrays.stream(blocks.split(",")).map(Double::valueOf).toList()
                : BlockPresets.weights(blocks.strip());
    }

    /**
     * What is to be written, as an expression.
     *
     * @throws HttpError 422 in AUTOMATIC1111's words if a model is missing
     */
    String expression(ModelNames names) {
        List<String> models = models();
        if (text(primary).isBlank()) {
            throw new HttpError(422, "Failed: Merging requires a primary model.");
        }
        List<ModelExpression> operands =
                models.stream().map(model -> ModelExpression.of(model, names)).toList();
        ModelExpression merged = NONE.equals(method) ? operands.getFirst() : merged(operands);
        if (bakeVae != null && !bakeVae.isBlank()) {
            merged = ModelExpression.call("vae", List.of(merged, ModelExpression.of(bakeVae.strip(), names)), Map.of());
        }
        if (Boolean.TRUE.equals(prune)) {
            merged = ModelExpression.call("prune", List.of(merged), Map.of());
        }
        if (discard != null && !discard.isEmpty()) {
            merged = ModelExpression.call("discard", List.of(merged), Map.of("pattern", discard));
        }
        return inPrecision(merged).text();
    }

    private ModelExpression inPrecision(ModelExpression merged) {
        if (precision == null || precision.isBlank()) {
            return merged;
        }
        if (!PRECISIONS.contains(precision)) {
            throw new HttpError(422, "precision is one of %s, not \"%s\"".formatted(PRECISIONS, precision));
        }
        return ModelExpression.call(precision, List.of(merged), Map.of());
    }

    private MergeMethod mergeMethod() {
        return MergeMethods.named(
                method != null && !method.isBlank() ? method : models().size() > 2 ? "add-difference" : "weighted-sum");
    }

    private ModelExpression merged(List<ModelExpression> operands) {
        MergeMethod chosen = mergeMethod();
        if (chosen.name().equals("weighted-sum") && text(secondary).isBlank()) {
            throw new HttpError(422, "Failed: Merging requires a secondary model.");
        }
        if (chosen.name().equals("add-difference") && models().size() < 3) {
            throw new HttpError(422, "Failed: Interpolation method (Add difference) requires a tertiary model.");
        }
        // what AUTOMATIC1111's page does: C is only looked at where it is needed
        List<ModelExpression> used = chosen.name().equals("weighted-sum") ? operands.subList(0, 2) : operands;
        chosen.requireModels(used.size());
        Map<String, String> arguments = new LinkedHashMap<>();
        chosen.multiplier().ifPresent(parameter -> arguments.put(parameter.name(), number(m())));
        if (parameters != null) {
            parameters.forEach((key, value) -> {
                if (!value.isBlank()) {
                    arguments.put(key, value.strip());
                }
            });
        }
        if (blocks != null && !blocks.isBlank()) {
            arguments.put("blocks", blocks);
        }
        return ModelExpression.call(chosen.name(), used, arguments);
    }

    private double m() {
        return multiplier == null ? MULTIPLIER : multiplier;
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? Long.toString((long) value)
                : Double.toString(value);
    }

    /** The plan of the file. */
    NewModel plan(ModelLibrary library) {
        String expression = expression(library.shelf().names());
        String base = name == null || name.isBlank() ? standardName(library) : name;
        return NewModel.of(library, expression, base + suffix(library), format);
    }

    /** What AUTOMATIC1111 appends where a model of more input channels took up one of four. */
    private String suffix(ModelLibrary library) {
        List<String> models = models();
        if (NONE.equals(method)
                || models.size() < 2
                || !WEB_UI_METHODS.contains(mergeMethod().name())) {
            return "";
        }
        if (inputChannels(library, models.get(1)) != 4) {
            return "";
        }
        return switch ((int) inputChannels(library, models.getFirst())) {
            case 9 -> ".inpainting";
            case 8 -> ".instruct-pix2pix";
            default -> "";
        };
    }

    private static long inputChannels(ModelLibrary library, String model) {
        Tensor convolution = Layout.normalize(library.shelf().resolve(model).checkpoint())
                .tensors()
                .get("model.diffusion_model.input_blocks.0.0.weight");
        return convolution == null || convolution.shape().rank() < 2
                ? 0
                : convolution.shape().size(1);
    }

    private List<String> configs() {
        return switch (configSource == null || configSource.isBlank() ? "A, B or C" : configSource) {
            case "A, B or C" ->
                Stream.of(text(primary), text(secondary), text(tertiary))
                        .filter(model -> !model.isBlank())
                        .toList();
            case "B" -> List.of(text(secondary));
            case "C" -> List.of(text(tertiary));
            case "Don't" -> List.of();
            default -> throw new HttpError(422, "configSource is \"A, B or C\", B, C or \"Don't\"");
        };
    }

    WriteTask task(NewModel model) {
        return new WriteTask(
                model.expression(),
                model.file(),
                Boolean.TRUE.equals(overwrite),
                !Boolean.FALSE.equals(copyMetadata),
                !Boolean.FALSE.equals(addRecipe),
                metadata,
                configs());
    }

    /** As AUTOMATIC1111 calls a merge, with the method's name where it has none for it. */
    private String standardName(ModelLibrary library) {
        List<String> names =
                models().stream().map(model -> shortName(library, model)).toList();
        String a = names.getFirst();
        if (NONE.equals(method) || names.size() == 1) {
            return a;
        }
        String chosen = mergeMethod().name();
        return switch (chosen) {
            case "weighted-sum" -> "%s(%s) + %s(%s)".formatted(rounded(1 - m()), a, rounded(m()), names.get(1));
            case "add-difference" -> "%s + %s(%s - %s)".formatted(a, rounded(m()), names.get(1), names.get(2));
            default -> "%s(%s)".formatted(chosen, String.join(", ", names));
        };
    }

    private static String shortName(ModelLibrary library, String model) {
        return library.shelf()
                .find(model)
                .map(ModelFile::modelName)
                .orElseGet(() -> model.replaceAll("[/\\\\:*?\"<>|\\p{Cntrl}]", "_"));
    }

    /** Two digits, half to even, in the shortest form. */
    private static String rounded(double value) {
        return Double.toString(
                new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).doubleValue());
    }
}
