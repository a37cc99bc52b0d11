package dev.atelier.cli;

import dev.atelier.merge.expression.ModelExpression;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "convert",
        description = {
            "Renames the tensors of a LoRA as another program expects them; no number changes.",
            "",
            "Example:",
            "  atelier lora convert style.safetensors --to diffusers \\",
            "      -o pytorch_lora_weights.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class LoraConvertCommand implements Callable<Integer> {
    private enum Naming {
        KOHYA,
        DIFFUSERS;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Parameters(paramLabel = "LORA", description = "A file or name.")
    private String lora = "";

    @Mixin
    private Models models = new Models();

    @Option(
            names = "--to",
            required = true,
            paramLabel = "NAMING",
            description =
                    "kohya: lora_unet_…, for AUTOMATIC1111, ComfyUI and kohya. diffusers: unet.….lora_A.weight, as PEFT names"
                            + " them, with the alphas in the metadata.")
    private Naming naming = Naming.KOHYA;

    @Mixin
    private NewLora output = new NewLora();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        ModelExpression expression = ModelExpression.call(naming + "-lora", List.of(models.expression(lora)), Map.of());
        output.write(expression, models, "Renaming", spec.commandLine().getOut());
        return 0;
    }
}
