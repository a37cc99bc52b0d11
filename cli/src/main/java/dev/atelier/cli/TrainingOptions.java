package dev.atelier.cli;

import dev.atelier.training.setting.Setting;
import dev.atelier.training.setting.SettingOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** Gives a command that trains the options that its plan has, under their headings. */
final class TrainingOptions implements IModelTransformer {
    /** Options of the command alone. */
    record Launch(
            @Setting(
                    value = "model",
                    label = "MODEL",
                    help =
                            "The checkpoint to start from: a file, a name or an expression, as for generate. Default: the built-in"
                                    + " model.",
                    also = "pretrained_model_name_or_path")
            @Nullable
            String model,

            @Setting(
                    value = "processes",
                    label = "N",
                    help = "Train in so many processes on this machine, each with batches of its own.",
                    standard = "1")
            int processes,

            @Setting(value = "overwrite", help = "Replace the output file if it exists.")
            boolean overwrite) {}

    static SequencedMap<String, List<SettingOption>> sections(FineTuningCommand command) {
        SequencedMap<String, List<SettingOption>> all = SettingOption.sections(Launch.class);
        all.putAll(command.kind().sections());
        return all;
    }

    @Override
    public CommandSpec transform(CommandSpec spec) {
        sections((FineTuningCommand) spec.userObject()).forEach((heading, options) -> {
            List<OptionSpec> specs = options.stream().map(TrainingOptions::spec).toList();
            if (heading.isEmpty()) {
                specs.forEach(spec::addOption);
                return;
            }
            ArgGroupSpec.Builder group = ArgGroupSpec.builder().validate(false).heading("%n" + heading + ":%n");
            specs.forEach(group::addArg);
            spec.addArgGroup(group.build());
        });
        return spec;
    }

    private static OptionSpec spec(SettingOption option) {
        Setting setting = option.setting();
        List<String> names = new ArrayList<>(List.of("--" + setting.value()));
        if (setting.value().equals("output")) {
            names.addFirst("-o");
        }
        OptionSpec.Builder spec = OptionSpec.builder(names.toArray(String[]::new))
                .description(option.description().replace("%", "%%"));
        if (option.isSwitch()) {
            return spec.type(boolean.class).build();
        }
        spec.paramLabel(setting.label()).arity("1").hideParamSyntax(true);
        return option.isRepeated()
                ? spec.type(List.class).auxiliaryTypes(String.class).build()
                : spec.type(String.class).build();
    }

    /** What a user has given, by the names of the settings. */
    static Map<String, List<String>> given(ParseResult parsed, List<SettingOption> known) {
        Map<String, List<String>> given = new LinkedHashMap<>();
        for (SettingOption option : known) {
            String name = "--" + option.setting().value();
            if (parsed.hasMatchedOption(name)) {
                given.put(option.setting().value(), parsed.matchedOption(name).stringValues());
            }
        }
        return given;
    }
}
