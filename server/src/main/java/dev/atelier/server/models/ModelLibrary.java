package dev.atelier.server.models;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelQuery;
import dev.atelier.checkpoint.Progress;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models of a server: the shelf, from which requests take them, and a catalog of what they are. The catalog is brought up
 * to date in the background, at the start and whenever a folder has changed.
 */
public final class ModelLibrary implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModelLibrary.class);
    private static final int MOST = 10_000;
    private static final Duration INTERVAL = Duration.ofSeconds(20);

    private final ModelShelf shelf;
    private final Path folder;
    private final Catalog catalog;
    private final Catalog.Watch watch;

    /**
     * @param folder where the user keeps models; it need not exist yet
     * @param builtIn the folder of the model that is part of Atelier
     * @param file of the catalog
     */
    public ModelLibrary(ModelShelf shelf, Path folder, Path builtIn, Path file) {
        this.shelf = shelf;
        this.folder = folder;
        this.catalog = Catalog.open(file);
        List<Path> known = List.of(
                folder.toAbsolutePath().normalize(), builtIn.toAbsolutePath().normalize());
        catalog.folders().stream().filter(path -> !known.contains(path)).forEach(catalog::forget);
        catalog.scan(builtIn, Progress.NONE);
        shelf.leaveOut(this::others);
        Thread.ofVirtual().name("catalog").start(this::rescan);
        this.watch = catalog.watch(INTERVAL, _ -> shelf.refresh());
    }

    /** LoRAs and the like that lie among the models. */
    private Set<Path> others() {
        return Stream.of(
                        ModelKind.LORA,
                        ModelKind.EMBEDDING,
                        ModelKind.CONTROLNET,
                        ModelKind.VAE,
                        ModelKind.HYPERNETWORK,
                        ModelKind.UPSCALER)
                .flatMap(kind -> catalog.list(ModelQuery.ALL.ofKind(kind).limitedTo(MOST)).models().stream())
                .map(model -> model.path().toAbsolutePath().normalize())
                .collect(Collectors.toUnmodifiableSet());
    }

    private ModelLibrary(ModelShelf shelf, Path folder, Catalog catalog) {
        this.shelf = shelf;
        this.folder = folder;
        this.catalog = catalog;
        this.watch = () -> {};
    }

    /** The library as an owner sees it; it is closed with this one. Private models are in no catalog. */
    public ModelLibrary visibleTo(String owner) {
        return new ModelLibrary(shelf.visibleTo(owner), folder, catalog);
    }

    public ModelShelf shelf() {
        return shelf;
    }

    public Catalog catalog() {
        return catalog;
    }

    /** Where the user keeps models. */
    public Path folder() {
        return folder;
    }

    /** Looks for new and changed files now. */
    public void rescan() {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try {
            catalog.scan(folder, Progress.NONE);
        } catch (UncheckedIOException e) {
            LOG.warn("{} could not be read", folder, e);
        }
        shelf.refresh();
    }

    @Override
    public void close() {
        watch.close();
        catalog.close();
    }
}
