package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where the models are that expressions name. */
final class Models {
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

    /** A file as it is called, or an expression of several. */
    ModelExpression expression(String text) {
        return ModelExpression.of(text, names());
    }

    /** @throws IllegalArgumentException if a name stands for no file or a function is called as it cannot be */
    ResolvedModel resolve(ModelExpression expression) {
        ResolvedModel model = expression.resolve(names());
        model.warnings().stream()
                .filter(warned::add)
                .forEach(warning -> command.commandLine().getErr().println("atelier: " + warning));
        return model;
    }

    ResolvedModel resolve(String text) {
        return resolve(expression(text));
    }

    /** Those given, or else those of the environment. */
    List<Path> folders() {
        return folders.isEmpty() ? fromEnvironment() : folders;
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
