package dev.atelier.cli;

import dev.atelier.merge.expression.ModelExpression;
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
        name = "extract",
        description = {
            "Makes a LoRA of what a model has learnt on top of another.",
            "",
            "Examples:",
            "  atelier lora extract tuned.safetensors base.safetensors -o style.safetensors",
            "  atelier lora extract tuned base --rank 64 --conv-rank 16 --sv-fro 0.95 \\",
            "      --models ~/models -o style.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class LoraExtractCommand implements Callable<Integer> {
    private enum Form {
        FP16,
        BF16,
        FP32;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Parameters(
            index = "0",
            paramLabel = "TUNED",
            description = "The model that has learnt: a file, a name or an expression.")
    private String tuned = "";

    @Parameters(index = "1", paramLabel = "BASE", description = "The model that it started from.")
    private String base = "";

    @Mixin
    private Models models = new Models();

    @Mixin
    private RankOptions ranks = new RankOptions();

    @Option(names = "--no-text", description = "Leave the text encoders alone.")
    private boolean noText;

    @Option(names = "--dtype", paramLabel = "TYPE", description = "fp16 (default), bf16 or fp32.")
    private @Nullable Form precision;

    @Mixin
    private NewLora output = new NewLora();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        Map<String, String> parameters = ranks.parameters();
        parameters.putIfAbsent("rank", "16"); // what the default is today belongs into the recipe
        if (noText) {
            parameters.put("text", "false");
        }
        if (precision != null) {
            parameters.put("dtype", precision.toString());
        }
        ModelExpression expression = ModelExpression.call(
                "extract-lora", List.of(models.expression(tuned), models.expression(base)), parameters);
        output.write(expression, models, "Extracting", spec.commandLine().getOut());
        return 0;
    }
}
