package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.training.setting.Setting;
import dev.atelier.training.setting.SettingOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** What the documentation says about options of trainings is what the commands know. */
class TrainingOptionsTest {
    private static final Path DOCS = Path.of("../docs");
    private static final Pattern OPTION = Pattern.compile("--[a-z][a-z-]+");

    private record Row(String heading, SettingOption option) {}

    /** The table of all options; {@code -Dwrite-docs=true} writes it. */
    @Test
    void theTableOfOptionsIsThatOfTheCommands() throws IOException {
        Path file = DOCS.resolve("training-options.md");
        if (Boolean.getBoolean("write-docs")) {
            Files.writeString(file, table());
        }
        assertThat(Files.readString(file)).isEqualTo(table());
    }

    private static String table() {
        Map<Row, Set<String>> rows = new LinkedHashMap<>();
        Stream.of(
                        new TrainDreamboothCommand(),
                        new TrainLoraCommand(),
                        new TrainTiCommand(),
                        new TrainFinetuneCommand())
                .forEach(command -> TrainingOptions.sections(command)
                        .forEach((heading, options) -> options.forEach(
                                option -> rows.computeIfAbsent(new Row(heading, option), row -> new TreeSet<>())
                                        .add(command.kind().name().toLowerCase(Locale.ROOT)))));
        StringBuilder page = new StringBuilder("""
                # All options of `atelier train`

                For `dreambooth`, `lora`, `ti` and `finetune`; [Train a model](train.md) explains them. In a file for `--config`, each may be called
                as here, with `_` for `-`, or as in kohya's sd-scripts or diffusers' scripts; a name with a value is a switch there.
                """);
        rows.keySet().stream().map(Row::heading).distinct().forEach(heading -> {
            page.append("\n## %s\n\n| option | | for | kohya, diffusers |\n|---|---|---|---|\n"
                    .formatted(heading.isEmpty() ? "The command" : heading));
            rows.forEach((row, kinds) -> {
                if (row.heading.equals(heading)) {
                    page.append(line(row.option, kinds));
                }
            });
        });
        return page.toString();
    }

    private static String line(SettingOption option, Set<String> kinds) {
        Setting setting = option.setting();
        return "| `--%s` | %s | %s | %s |\n"
                .formatted(
                        (setting.value() + " " + setting.label()).strip(),
                        option.description().replace("|", "\\|"),
                        kinds.size() == 4 ? "all" : String.join(", ", kinds),
                        Stream.of(setting.also()).map(name -> "`" + name + "`").collect(Collectors.joining(", ")));
    }

    @Test
    void everyOptionThatThePageNamesExists() throws IOException {
        Set<String> known = new TreeSet<>(List.of("--logdir")); // of TensorBoard
        collect(Main.commandLine(), known);
        Set<String> named = OPTION.matcher(Files.readString(DOCS.resolve("train.md")))
                .results()
                .map(found -> found.group())
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(named).hasSizeGreaterThan(50).isSubsetOf(known);
    }

    private static void collect(CommandLine command, Set<String> names) {
        command.getCommandSpec().options().forEach(option -> names.addAll(List.of(option.names())));
        command.getSubcommands().values().forEach(each -> collect(each, names));
    }
}
