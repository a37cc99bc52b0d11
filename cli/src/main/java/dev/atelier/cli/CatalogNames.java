package dev.atelier.cli;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.merge.expression.ModelNames;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Optional;

/** Names, titles and hashes of the models in a catalog; a path of a file that exists goes before all of them. */
record CatalogNames(Path file) implements ModelNames {
    @Override
    public Optional<Path> find(String name) {
        Optional<Path> path = PATHS.find(name);
        if (path.isPresent()) {
            return path;
        }
        try (Catalog catalog = Catalog.open(file)) {
            return catalog.find(name).map(Model::path);
        }
    }

    @Override
    public Collection<String> known() {
        try (Catalog catalog = Catalog.open(file)) {
            return catalog.names();
        }
    }
}
