package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.merge.BlockWeights;
import dev.atelier.merge.Blocks;
import dev.atelier.merge.ElementRules;
import dev.atelier.merge.Merge;
import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.MergeMethods;
import dev.atelier.merge.Multipliers;
import dev.atelier.merge.Parameter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "merge",
        description = {
            "Merges checkpoints into a new one.",
            "",
            "  weighted-sum    (1 - M)*A + M*B",
            "  add-difference  A + M*(B - C): what B learnt on top of C, added to A",
            "",
            "These two give the same result, bit for bit, as AUTOMATIC1111's Checkpoint Merger. --list explains the "
                    + "other methods and their parameters.",
            "",
            "Inputs are .safetensors or .ckpt files or folders of diffusers, in any mix of precisions. Nothing in them is "
                    + "ever run. Memory stays small whatever their size (a few methods hold a tensor or two), and the "
                    + "result appears only when it is complete.",
            "",
            "Examples:",
            "  atelier merge anime.safetensors photo.ckpt -m 0.3 -o anime-photo.safetensors",
            "  atelier merge mine.safetensors style.safetensors base.safetensors \\",
            "      --method add-difference -m 0.8 --dtype fp16 -o mine-styled.safetensors",
            "  atelier merge base.safetensors anime.safetensors photo.safetensors \\",
            "      --method ties --param density=0.3 --param weights=1,0.5 -o both.safetensors",
            "  atelier merge anime.safetensors photo.safetensors \\",
            "      --block-weights GRAD_V --text 0 -o blocks.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class MergeCommand implements Callable<Integer> {
    private enum Compat {
        A1111,
        NONE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(names = "--list", help = true, description = "Explain all merge methods and their parameters.")
    private boolean list;

    @Parameters(
            arity = "1..*",
            paramLabel = "MODEL",
            description = "Primary (A), secondary (B), tertiary model (C) and so on, as the method asks for.")
    private List<Path> models = List.of();

    @Option(
            names = {"-m", "--multiplier"},
            paramLabel = "M",
            description =
                    "The method's multiplier, usually 0 to 1. Default: 0.3, or the method's own. For weighted-sum,"
                            + " 0 is A and 1 is B.")
    private @Nullable Double multiplier;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            description = "One of --list. Default: weighted-sum of two models, add-difference of three.")
    private @Nullable String method;

    @Option(
            names = "--param",
            paramLabel = "NAME=VALUE",
            description = "A parameter of the method; may be given several times.")
    private Map<String, String> parameters = new LinkedHashMap<>();

    @Option(
            names = "--block-weights",
            paramLabel = "LIST|PRESET",
            description =
                    "Multipliers per block: BASE, IN00 to IN11, M00, OUT00 to OUT11 (26 numbers; for XL also 20 or"
                            + " 21), or the name of a preset, such as GRAD_V.")
    private @Nullable String blockWeights;

    @Option(
            names = "--elements",
            paramLabel = "RULES",
            description =
                    "Multipliers per layer, as SuperMerger writes them: BLOCKS:ELEMENTS:M, separated by commas, for"
                            + " example \"IN04-IN08:attn2:0.5\".")
    private @Nullable String elements;

    @Option(names = "--unet", paramLabel = "M", description = "The multiplier of the UNet.")
    private @Nullable Double unet;

    @Option(names = "--text", paramLabel = "M", description = "The multiplier of the text encoder.")
    private @Nullable Double text;

    @Option(names = "--vae", paramLabel = "M", description = "The multiplier of the VAE.")
    private @Nullable Double vae;

    @Option(
            names = "--only",
            paramLabel = "REGEX",
            description = "Merge only tensors in whose name this is found; the others stay as in A.")
    private @Nullable Pattern only;

    @Option(
            names = "--except",
            paramLabel = "REGEX",
            description = "Leave tensors in whose name this is found as in A.")
    private @Nullable Pattern except;

    @Option(
            names = "--compat",
            paramLabel = "PROGRAM",
            defaultValue = "a1111",
            description =
                    "a1111: plain weighted-sum and add-difference round every step, as AUTOMATIC1111 does. none: they"
                            + " round once, as all methods do. Default: ${DEFAULT-VALUE}.")
    private Compat compat = Compat.A1111;

    @Mixin
    private NewCheckpoint output = new NewCheckpoint();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        if (list) {
            printMethods(spec.commandLine().getOut());
            return 0;
        }
        output.requireNew();
        output.write(merged(), "Merging", spec.commandLine().getOut());
        return 0;
    }

    private Checkpoint merged() {
        MergeMethod chosen =
                MergeMethods.named(method != null ? method : models.size() == 3 ? "add-difference" : "weighted-sum");
        chosen.requireModels(models.size());
        Map<String, String> written = new LinkedHashMap<>(parameters);
        if (multiplier != null) {
            String name = chosen.multiplier()
                    .orElseThrow(() -> new IllegalArgumentException(chosen + " has no multiplier"))
                    .name();
            if (written.put(name, multiplier.toString()) != null) {
                throw new IllegalArgumentException("-m and --param %s are the same; give one of them".formatted(name));
            }
        }
        var settings = chosen.settings(written);
        List<Checkpoint> opened = models.stream().map(Checkpoints::open).toList();
        if (isPlain()) {
            double m = multiplier != null
                    ? multiplier
                    : chosen.multiplier().map(Parameter::standard).orElse(0.0);
            switch (chosen.name()) {
                case "weighted-sum" -> {
                    return Merge.weightedSum(opened.get(0), opened.get(1), m);
                }
                case "add-difference" -> {
                    return Merge.addDifference(opened.get(0), opened.get(1), opened.get(2), m);
                }
                default -> {} // the others have no second arithmetic
            }
        }
        return Merge.with(chosen, settings, opened, multipliers(opened.getFirst()), selection());
    }

    /** Whether nothing is asked for that AUTOMATIC1111's merger could not do. */
    private boolean isPlain() {
        return compat == Compat.A1111
                && parameters.isEmpty()
                && blockWeights == null
                && elements == null
                && unet == null
                && text == null
                && vae == null
                && only == null
                && except == null;
    }

    /** Element rules before components before blocks. */
    private Multipliers multipliers(Checkpoint a) {
        if (blockWeights != null && unet != null) {
            throw new IllegalArgumentException("--block-weights and --unet both set the UNet; give one of them");
        }
        BlockWeights blocks = blockWeights == null ? null : BlockWeights.parse(blockWeights, a);
        Multipliers all = elements == null
                ? Multipliers.NONE
                : ElementRules.parse(elements, blocks == null ? Blocks.of(a) : blocks.blocks());
        all = all.otherwise(component(Component.UNET, unet))
                .otherwise(component(Component.TEXT_ENCODER, text))
                .otherwise(component(Component.VAE, vae));
        return blocks == null ? all : all.otherwise(blocks);
    }

    private static Multipliers component(Component component, @Nullable Double multiplier) {
        return multiplier == null ? Multipliers.NONE : Multipliers.component(component, multiplier);
    }

    private Predicate<String> selection() {
        Pattern wanted = only;
        Pattern unwanted = except;
        return name -> (wanted == null || wanted.matcher(name).find())
                && (unwanted == null || !unwanted.matcher(name).find());
    }

    private static void printMethods(PrintWriter out) {
        for (MergeMethod method : MergeMethods.all()) {
            out.printf("%s  (%s: %s)%n", method.name(), method.models(), String.join(", ", method.inputs()));
            out.printf("    %s%n", method.formula());
            for (Parameter<?> parameter : method.parameters()) {
                boolean isMultiplier =
                        method.multiplier().filter(parameter::equals).isPresent();
                out.printf(
                        "    %s%s: %s; %s; default %s%n",
                        parameter.name(),
                        isMultiplier ? " (-m)" : "",
                        parameter.meaning(),
                        parameter.range(),
                        parameter.standardText());
            }
            out.printf("    from %s%n%n", method.source());
        }
    }
}
