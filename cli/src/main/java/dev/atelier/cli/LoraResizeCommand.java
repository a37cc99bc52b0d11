package dev.atelier.cli;

import dev.atelier.merge.expression.ModelExpression;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "resize",
        description = {
            "Makes a LoRA of lower rank: each layer as near to what it was as the rank allows.",
            "",
            "Examples:",
            "  atelier lora resize style.safetensors --rank 8 -o small.safetensors",
            "  atelier lora resize style.safetensors --rank 32 --sv-fro 0.9 \\",
            "      -o small.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class LoraResizeCommand implements Callable<Integer> {
    @Parameters(paramLabel = "LORA", description = "A file or name.")
    private String lora = "";

    @Mixin
    private Models models = new Models();

    @Mixin
    private RankOptions ranks = new RankOptions();

    @Mixin
    private NewLora output = new NewLora();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        ModelExpression expression =
                ModelExpression.call("resize-lora", List.of(models.expression(lora)), ranks.parameters());
        output.write(expression, models, "Resizing", spec.commandLine().getOut());
        return 0;
    }
}
