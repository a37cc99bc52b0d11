package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Slim;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ResolvedModel;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "convert",
        description = {
            "Writes a checkpoint anew: in another format or precision, smaller, with another VAE.",
            "",
            "Examples:",
            "  atelier convert downloaded.ckpt -o safe.safetensors",
            "  atelier convert full.ckpt --prune --dtype fp16 -o small.safetensors",
            "  atelier convert full.ckpt --ema only --prune -o averaged.safetensors",
            "  atelier convert model.safetensors --vae better.vae.pt -o baked.safetensors",
            "  atelier convert model.safetensors --extract vae -o model.vae.safetensors",
            "  atelier convert model.safetensors --layout diffusers -o model-folder",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ConvertCommand implements Callable<Integer> {
    private enum Ema {
        KEEP,
        DROP,
        ONLY;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Parameters(
            paramLabel = "MODEL",
            description = "A .safetensors or .ckpt file, a folder of diffusers, the name of a model in --models, or an"
                    + " expression such as \"0.7*A + 0.3*B\".")
    private String model = "";

    @Mixin
    private Models models = new Models();

    @Option(
            names = "--prune",
            description =
                    "Leave out what drawing does not need: EMA copies, training leftovers, tables of the noise schedule.")
    private boolean prune;

    @Option(
            names = "--ema",
            defaultValue = "keep",
            paramLabel = "WHAT",
            description = "keep: copy everything. drop: without the averaged weights. only: the averaged weights in "
                    + "place of the last trained ones. Default: ${DEFAULT-VALUE}.")
    private Ema ema = Ema.KEEP;

    private enum Extracted {
        UNET,
        VAE,
        TEXT_ENCODER;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Option(names = "--vae", paramLabel = "FILE", description = "Take the VAE from this file.")
    private @Nullable String vae;

    @Option(names = "--unet", paramLabel = "FILE", description = "Take the UNet from this file.")
    private @Nullable String unet;

    @Option(
            names = "--text-encoder",
            paramLabel = "FILE",
            description = "Take the text encoder, or XL's two, from this checkpoint.")
    private @Nullable String textEncoder;

    @Option(names = "--extract", paramLabel = "PART", description = "Write one part only: unet, vae or text-encoder.")
    private @Nullable Extracted extract;

    @Option(
            names = "--keep-position-ids",
            description = "Do not repair position_ids that a merger has damaged; pictures stay as they were.")
    private boolean keepPositionIds;

    @Mixin
    private NewCheckpoint output = new NewCheckpoint();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        output.requireNew();
        ModelExpression expression = models.expression(model);
        Checkpoint original = models.resolve(expression).checkpoint();
        expression = switch (ema) {
            case KEEP -> expression;
            case DROP -> step("drop-ema", expression);
            case ONLY -> step("ema", expression);
        };
        expression = prune ? step("prune", expression) : expression;
        expression = replaced("vae", expression, vae);
        expression = replaced("unet", expression, unet);
        expression = replaced("text-encoder", expression, textEncoder);
        expression = extract == null ? expression : step("only-" + extract, expression);
        boolean repaired = !keepPositionIds
                && !Slim.hasSoundPositionIds(models.resolve(expression).checkpoint());
        expression = repaired ? step("repair", expression) : expression;
        ResolvedModel converted = models.resolve(expression);
        PrintWriter out = spec.commandLine().getOut();
        output.write(converted, "Converting", out);
        int dropped =
                original.tensors().size() - converted.checkpoint().tensors().size();
        if (dropped > 0) {
            out.printf("  left out %d tensors; %s before%n", dropped, Sizes.of(original.byteSize()));
        }
        if (repaired) {
            out.println("  repaired position_ids, which a merge had damaged");
        }
        out.flush();
        return 0;
    }

    private static ModelExpression step(String function, ModelExpression model) {
        return ModelExpression.call(function, List.of(model), Map.of());
    }

    private ModelExpression replaced(String part, ModelExpression model, @Nullable String file) {
        return file == null ? model : ModelExpression.call(part, List.of(model, models.expression(file)), Map.of());
    }
}
