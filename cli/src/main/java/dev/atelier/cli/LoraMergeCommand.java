package dev.atelier.cli;

import dev.atelier.merge.expression.ModelExpression;
import java.util.List;
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
        name = "merge",
        description = {
            "Merges LoRAs into one that has the effect of all.",
            "",
            "Without --rank the result is exact, and its rank is the sum of theirs; with it, the nearest of that rank. What DoRA, (IA)3, OFT and GLoRA"
                    + " do depends on the model: with --model they are merged, too, into a LoRA for that one.",
            "",
            "Examples:",
            "  atelier lora merge style.safetensors:0.7 detail.safetensors:0.4 \\",
            "      -o both.safetensors",
            "  atelier lora merge style:1:0.5 detail --rank 16 --models ~/loras \\",
            "      -o both.safetensors",
            "  atelier lora merge dora.safetensors:0.7 style --model anime --rank 64 \\",
            "      -o plain.safetensors",
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

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "Merge what they do to this model, a file, a name or an expression; rank 16 without --rank.")
    private @Nullable String model;

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
        ModelExpression expression = expression(loras.stream().map(models::lora).toList(), ranks.parameters());
        output.write(expression, models, "Merging", spec.commandLine().getOut());
        return 0;
    }

    private ModelExpression expression(List<ModelExpression.StrongLora> merged, Map<String, String> parameters) {
        if (model == null) {
            return ModelExpression.callOnLoras("merge-lora", merged, parameters);
        }
        String rank = parameters.computeIfAbsent("rank", _ -> "16");
        parameters.putIfAbsent("conv", rank);
        return models.expression(model).extractionOf(merged, parameters);
    }
}
