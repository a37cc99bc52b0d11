package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "ti",
        description = {
            "Teaches a model's text encoder a new word, textual inversion. The result is a file of a few kilobytes.",
            "",
            "Example:",
            "  atelier train ti --model sd-v1-5.safetensors --data cat --word my-cat \\",
            "      --init cat \\",
            "      --prompt \"a photo of my-cat\" -o my-cat.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class TrainTiCommand extends FineTuningCommand {
    @Option(names = "--word", paramLabel = "WORD", description = "The new word, as captions write it.")
    private @Nullable String word;

    @Option(names = "--init", paramLabel = "WORDS", description = "What it means at first: a word that is known.")
    private @Nullable String initial;

    @Option(names = "--vectors", paramLabel = "N", description = "How many tokens the word counts for. Default: 1.")
    private int vectors = 1;

    @Option(names = "--keep-norm", description = "Keep the vectors about as long as those of other words.")
    private boolean keepNorm;

    TrainTiCommand() {
        super(3000, 5e-4);
    }

    @Override
    TrainingPlan.Method method() {
        if (word == null || initial == null) {
            throw new IllegalArgumentException(
                    "--word and --init are missing: the new word, and a known one to start from");
        }
        return new TrainingPlan.Word(word, initial, vectors, keepNorm);
    }

    @Override
    FineTuningCommand fresh() {
        return new TrainTiCommand();
    }
}
