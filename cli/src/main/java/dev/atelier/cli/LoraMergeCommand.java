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
        name = "merge",
        description = {
            "Merges LoRAs into one that has the effect of all.",
            "",
            "Without --rank the result is exact, and its rank is the sum of theirs; with it, the nearest of that rank.",
            "",
            "Examples:",
            "  atelier lora merge style.safetensors:0.7 detail.safetensors:0.4 \\",
            "      -o both.safetensors",
            "  atelier lora merge style:1:0.5 detail --rank 16 --models ~/loras \\",
            "      -o both.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class LoraMergeCommand implements Callable<Integer> {
    @Parameters(
            arity = "1..*",
            paramLabel = "LORA[:STRENGTH[:UNET]]",
            description =
                    "A file or name with its strength, 1 where there is none; of two the first is for the text encoders.")
    private List<String> loras = List.of();

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
        ModelExpression expression = ModelExpression.callOnLoras(
                "merge-lora", loras.stream().map(models::lora).toList(), ranks.parameters());
        output.write(expression, models, "Merging", spec.commandLine().getOut());
        return 0;
    }
}
