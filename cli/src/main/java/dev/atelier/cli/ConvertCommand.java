package dev.atelier.cli;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Slim;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
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
        UNET(Component.UNET),
        VAE(Component.VAE),
        TEXT_ENCODER(Component.TEXT_ENCODER);

        private final Component component;

        Extracted(Component component) {
            this.component = component;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Option(names = "--vae", paramLabel = "FILE", description = "Take the VAE from this file.")
    private @Nullable Path vae;

    @Option(names = "--unet", paramLabel = "FILE", description = "Take the UNet from this file.")
    private @Nullable Path unet;

    @Option(
            names = "--text-encoder",
            paramLabel = "FILE",
            description = "Take the text encoder, or XL's two, from this checkpoint.")
    private @Nullable Path textEncoder;

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
        Checkpoint original = models.resolve(model).checkpoint();
        Checkpoint converted = switch (ema) {
            case KEEP -> original;
            case DROP -> Slim.dropEma(original);
            case ONLY -> Slim.emaOnly(original);
        };
        if (prune) {
            converted = Slim.prune(converted);
        }
        converted = replaced(Component.VAE, converted, vae);
        converted = replaced(Component.UNET, converted, unet);
        converted = replaced(Component.TEXT_ENCODER, converted, textEncoder);
        if (extract != null) {
            converted = Slim.only(extract.component, converted);
        }
        boolean repaired = !keepPositionIds && !Slim.hasSoundPositionIds(converted);
        if (repaired) {
            converted = Slim.repairPositionIds(converted);
        }
        PrintWriter out = spec.commandLine().getOut();
        output.write(converted, "Converting", out);
        int dropped = original.tensors().size() - converted.tensors().size();
        if (dropped > 0) {
            out.printf("  left out %d tensors; %s before%n", dropped, Sizes.of(original.byteSize()));
        }
        if (repaired) {
            out.println("  repaired position_ids, which a merge had damaged");
        }
        out.flush();
        return 0;
    }

    private static Checkpoint replaced(Component component, Checkpoint checkpoint, @Nullable Path file) {
        return file == null ? checkpoint : Slim.with(component, checkpoint, Layout.normalize(Checkpoints.open(file)));
    }
}
