package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import dev.atelier.checkpoint.Progress;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelFolders;
import dev.atelier.merge.expression.ModelNames;
import dev.atelier.merge.expression.ResolvedModel;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where the models are that expressions name. */
final class Models {
    private static final Pattern WITH_STRENGTHS =
            Pattern.compile("(.+?):(-?[0-9]+(?:\\.[0-9]+)?)(?::(-?[0-9]+(?:\\.[0-9]+)?))?");
    private static final String VARIABLE = "ATELIER_MODELS";

    @Option(
            names = "--models",
            paramLabel = "FOLDER",
            description =
                    "Where models that are given by name are looked for, at any depth; may be given several times."
                            + " Default: the folders in " + VARIABLE + ", or what 'atelier models scan' has found.")
    private List<Path> folders = new ArrayList<>();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    private final Set<String> warned = new HashSet<>();
    private @Nullable ModelNames names;

    /**
     * A file as it is called, or an expression of several.
     *
     * @throws IllegalArgumentException if it is a name, and stands for no file
     */
    ModelExpression expression(String text) {
        ModelExpression expression = ModelExpression.of(text, names());
        expression.singleName().ifPresent(this::file);
        return expression;
    }

    /** A LoRA as it is called, with up to two strengths behind colons. */
    ModelExpression.StrongLora lora(String text) {
        Matcher parts = WITH_STRENGTHS.matcher(text);
        if (!parts.matches()) {
            return new ModelExpression.StrongLora(expression(text), 1, 1);
        }
        double strength = Double.parseDouble(parts.group(2));
        double unet = parts.group(3) == null ? strength : Double.parseDouble(parts.group(3));
        return new ModelExpression.StrongLora(expression(parts.group(1)), strength, unet);
    }

    /** @throws IllegalArgumentException if a name stands for no file or a function is called as it cannot be */
    ResolvedModel resolve(ModelExpression expression) {
        return resolve(expression, Progress.NONE);
    }

    /** @param progress hears of what is computed at once: the making of LoRAs */
    ResolvedModel resolve(ModelExpression expression, Progress progress) {
        ResolvedModel model = expression.resolve(names(), progress);
        model.warnings().stream()
                .filter(warned::add)
                .forEach(warning -> command.commandLine().getErr().println("atelier: " + warning));
        return model;
    }

    ResolvedModel resolve(String text) {
        return resolve(expression(text));
    }

    /** @throws IllegalArgumentException if a name stands for no file */
    Path file(String name) {
        return names().find(name).orElseThrow(() -> {
            String problem = names().notFound(name);
            return new IllegalArgumentException(
                    problem.endsWith("?")
                            ? problem
                            : problem + "; give its path, or the folder it is in with --models");
        });
    }

    /** Those given, or else those of the environment. */
    List<Path> folders() {
        return folders.isEmpty() ? fromEnvironment() : folders;
    }

    /** The same, or those that have been scanned where none was given. */
    List<Path> searched() {
        List<Path> given = folders();
        if (!given.isEmpty() || !Files.exists(Catalog.defaultFile())) {
            return given;
        }
        try (Catalog catalog = Catalog.open(Catalog.defaultFile())) {
            return catalog.folders();
        }
    }

    private ModelNames names() {
        if (names == null) {
            List<Path> searched = folders();
            names = searched.isEmpty() && Files.exists(Catalog.defaultFile())
                    ? new CatalogNames(Catalog.defaultFile())
                    : new ModelFolders(searched);
        }
        return names;
    }

    private static List<Path> fromEnvironment() {
        String variable = System.getenv(VARIABLE);
        return variable == null
                ? List.of()
                : Stream.of(variable.split(File.pathSeparator))
                        .filter(folder -> !folder.isBlank())
                        .map(Path::of)
                        .toList();
    }
}
