package dev.atelier.cli;

import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.MergeMethods;
import dev.atelier.merge.Parameter;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelFunction;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
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
                    + "ever run. Memory stays small whatever their size (a few methods hold tensors as a whole), and the "
                    + "result appears only when it is complete.",
            "",
            "Examples:",
            "  atelier merge anime.safetensors photo.ckpt -m 0.3 -o anime-photo.safetensors",
            "  atelier merge mine.safetensors style.safetensors base.safetensors \\",
            "      --method add-difference -m 0.8 --dtype fp16 -o mine-styled.safetensors",
            "  atelier merge base.safetensors anime.safetensors photo.safetensors \\",
            "      --method ties --param density=0.3 --param weights=1,0.5 \\",
            "      -o both.safetensors",
            "  atelier merge anime.safetensors photo.safetensors \\",
            "      --block-weights GRAD_V --text 0 -o blocks.safetensors",
            "  atelier merge \"lora(anime, style:0.6)\" --models ~/models \\",
            "      -o styled.safetensors",
            "  atelier merge \"0.5*anime + 0.3*photo + 0.2*paint\" --models ~/models \\",
            "      -o three.safetensors",
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
            description = "Primary (A), secondary (B), tertiary model (C) and so on, as the method asks for. Each is a"
                    + " file, the name of one in --models, or an expression.")
    private List<String> models = List.of();

    @Mixin
    private Models names = new Models();

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
        output.write(names.resolve(expression()), "Merging", spec.commandLine().getOut());
        return 0;
    }

    private ModelExpression expression() {
        List<ModelExpression> operands =
                models.stream().map(this.names::expression).toList();
        if (operands.size() == 1
                && method == null
                && operands.getFirst().singleName().isEmpty()) {
            return operands.getFirst(); // says itself how to merge
        }
        MergeMethod chosen =
                MergeMethods.named(method != null ? method : models.size() == 3 ? "add-difference" : "weighted-sum");
        chosen.requireModels(models.size());
        Map<String, String> arguments = new LinkedHashMap<>(parameters);
        if (multiplier != null) {
            String name = chosen.multiplier()
                    .orElseThrow(() -> new IllegalArgumentException(chosen + " has no multiplier"))
                    .name();
            if (arguments.put(name, multiplier.toString()) != null) {
                throw new IllegalArgumentException("-m and --param %s are the same; give one of them".formatted(name));
            }
        }
        // what the default is today belongs into the recipe
        chosen.multiplier().ifPresent(standard -> arguments.putIfAbsent(standard.name(), standard.standardText()));
        put(arguments, "blocks", blockWeights);
        put(arguments, "elements", elements);
        put(arguments, "unet", unet);
        put(arguments, "text", text);
        put(arguments, "vae", vae);
        put(arguments, "only", only);
        put(arguments, "except", except);
        put(arguments, "compat", compat == Compat.A1111 ? null : compat);
        return ModelExpression.call(chosen.name(), operands, arguments);
    }

    private static void put(Map<String, String> arguments, String name, @Nullable Object value) {
        if (value != null && arguments.put(name, value.toString()) != null) {
            throw new IllegalArgumentException(
                    "--param %s and --%s are the same; give one of them".formatted(name, name));
        }
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
        out.println("  In an expression each of these is a function, models first: slerp(A, B, 0.4). There are also:");
        for (ModelFunction function : ModelFunction.all()) {
            out.printf("    A.%s()  %s%n", function.name(), function.meaning());
        }
        out.println("    A.vae(FILE), A.unet(FILE), A.text-encoder(FILE)  with that part of another file");
        out.println("    A.fallback(B)  A, with those tensors of B that it lacks");
        out.println("    A.adjust(\"0,0,2\")  SuperMerger's Adjust: IN, OUT, OUT2, CONT, BRI, COL1, COL2, COL3");
        out.println("    A.rebasin(B)  A, with its neurons in the order of B's; the pictures stay the same");
        out.println("    A.discard(pattern=REGEX)  without the tensors in whose name it is found");
        out.println("    A.lora(style:0.6, other:1:0.5)  with LoRAs; strengths, or those of text encoder and UNet");
    }
}
