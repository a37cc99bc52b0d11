package dev.atelier.server.models;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What one owner sees of a shelf: all but the private models of others. */
record VisibleShelf(ModelShelf shelf, String owner) implements ModelShelf {
    @Override
    public List<ModelFile> list() {
        return shelf.list().stream().filter(model -> model.isVisibleTo(owner)).toList();
    }

    @Override
    public List<ModelFile> files() {
        return shelf.files().stream().filter(model -> model.isVisibleTo(owner)).toList();
    }

    @Override
    public List<Path> folders() {
        return shelf.folders().stream()
                .flatMap(folder ->
                        Stream.of(folder, folder.resolve(ModelFile.PRIVATE).resolve(owner.isEmpty() ? "-" : owner)))
                .toList();
    }

    @Override
    public Optional<ModelFile> find(String alias) {
        return shelf.find(alias).filter(model -> model.isVisibleTo(owner)).or(() -> ModelShelf.super.find(alias));
    }

    @Override
    public void refresh() {
        shelf.refresh();
    }
}
