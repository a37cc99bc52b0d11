package dev.atelier.server.models;

import dev.atelier.Enlarger;
import dev.atelier.ModelOptions;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelNames;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.server.job.Jobs;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** The models that requests may name. Thread-safe. */
public interface ModelShelf {

    /** Those that pictures are drawn with, in the order of menus; at least one. */
    List<ModelFile> list();

    /** All files that may be named, LoRAs and the like behind the models. */
    List<ModelFile> files();

    /** Where models of all kinds lie. */
    List<Path> folders();

    /**
     * Files that are no models to draw with, wherever they lie.
     *
     * @param others asked whenever the shelf looks again
     */
    default void leaveOut(Supplier<Set<Path>> others) {}

    /** Looks again for new and changed files. */
    void refresh();

    /** The model of this name, title, stem or hash. */
    default Optional<ModelFile> find(String alias) {
        return files().stream().filter(model -> model.aliases().contains(alias)).findFirst();
    }

    /** As {@link #find}, of those that pictures are drawn with. */
    default Optional<ModelFile> findModel(String alias) {
        return find(alias).filter(list()::contains);
    }

    /** As {@link #find}, or by the file's name without its folder. */
    default Optional<ModelFile> findFile(String name) {
        return find(name)
                .or(() -> files().stream()
                        .filter(file -> file.name().endsWith("/" + name))
                        .findFirst());
    }

    /** The expression of a model with another VAE. */
    default String withVae(String model, ModelFile vae) {
        ModelNames names = names();
        return ModelExpression.call(
                        "vae",
                        List.of(ModelExpression.of(model, names), ModelExpression.of(vae.name(), names)),
                        Map.of())
                .text();
    }

    /**
     * An upscaler by its name.
     *
     * @throws IllegalArgumentException if there is none; the message says which file it takes
     */
    default Upscaler upscaler(String name) {
        Upscaler upscaler = new Upscaler(name);
        if (upscaler.isNetwork()) {
            var _ = Enlarger.of(ModelOptions.DEFAULT.models(folders())).file(name);
        }
        return upscaler;
    }

    /** The shelf as an owner of jobs sees it; whoever needs no key sees all. */
    default ModelShelf visibleTo(String owner) {
        return owner.equals(Jobs.LOCAL) ? this : new VisibleShelf(this, owner);
    }

    /**
     * An expression of models of this shelf, such as {@code 0.7*a + 0.3*b}. Paths are no names here: nothing beside the
     * shelf can be reached.
     *
     * @throws IllegalArgumentException if it is none; the message says where
     */
    default ResolvedModel resolve(String expression) {
        ModelNames names = names();
        return ModelExpression.of(expression, names).resolve(names);
    }

    /** The names of this shelf, for expressions. */
    default ModelNames names() {
        return new ModelNames() {
            @Override
            public Optional<Path> find(String name) {
                return ModelShelf.this.find(name).map(ModelFile::path);
            }

            @Override
            public Collection<String> known() {
                return files().stream().map(ModelFile::name).toList();
            }
        };
    }
}
