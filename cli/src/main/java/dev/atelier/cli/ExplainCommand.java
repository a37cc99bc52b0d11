package dev.atelier.cli;

import dev.atelier.merge.recipe.Recipe;
import dev.atelier.merge.recipe.Step;
import dev.atelier.merge.recipe.Step.Input;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "explain",
        description = {
            "Tells what a checkpoint was made of, and how: the recipe that merge and convert write into what they make.",
            "",
            "Inputs that carry recipes of their own are explained in turn. What AUTOMATIC1111's Checkpoint Merger and its "
                    + "extensions write is read as well. Nothing but the metadata is read.",
            "",
            "Examples:",
            "  atelier explain merged.safetensors",
            "  atelier explain merged.safetensors --json > recipe.json",
            "  atelier rebuild recipe.json --models ~/models -o again.safetensors",
            "",
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ExplainCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "FILE",
            description = "A checkpoint that merge or convert has made, a merge of AUTOMATIC1111, or a recipe.")
    private Path file = Path.of("");

    @Option(names = "--json", description = "Print the recipe as JSON, which rebuild takes.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        Recipe recipe = RecipeFile.read(file);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(recipe.json());
        } else {
            out.println(Visible.text(file.toString()));
            print(out, recipe.made(), recipe.ancestors(), "  ", new HashSet<>());
        }
        out.flush();
        return 0;
    }

    /** Every ancestor is printed once: a file can go in in many ways, and a damaged recipe run in circles. */
    private static void print(
            PrintWriter out, Step step, Map<String, Step> ancestors, String indent, Set<String> printed) {
        out.printf("%s%s%n", indent, Visible.text(how(step)));
        for (Iterator<Map.Entry<String, Input>> inputs =
                        step.inputs().entrySet().iterator();
                inputs.hasNext(); ) {
            Map.Entry<String, Input> named = inputs.next();
            Input input = named.getValue();
            Step own = ancestors.get(input.sha256());
            boolean again = own != null && !printed.add(input.sha256());
            out.printf(
                    "%s%s %s  %s%s%n",
                    indent,
                    inputs.hasNext() ? "├─" : "└─",
                    Visible.text(named.getKey()),
                    what(input),
                    again ? "  (explained above)" : "");
            if (own != null && !again) {
                print(out, own, ancestors, indent + (inputs.hasNext() ? "│     " : "      "), printed);
            }
        }
    }

    private static String how(Step step) {
        return step.expression().isEmpty()
                ? "made by %s".formatted(step.program())
                : "%s  (%s)".formatted(step.expression(), step.program());
    }

    private static String what(Input input) {
        return "%s  %s%s"
                .formatted(
                        input.file().isEmpty() ? "(name unknown)" : Visible.text(input.file()),
                        input.size() > 0 ? Sizes.of(input.size()) + "  " : "",
                        input.sha256().isEmpty() ? "(hash unknown)" : "sha256 " + input.shortHash());
    }
}
