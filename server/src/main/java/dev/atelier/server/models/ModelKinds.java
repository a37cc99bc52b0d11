package dev.atelier.server.models;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelPage;
import dev.atelier.catalog.ModelQuery;
import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.Layout;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What the files of a shelf are, as the catalog knows; private ones, which are in no catalog, are looked at once. Thread-safe. */
public final class ModelKinds {
    private static final int PAGE = 10_000;

    private final ModelShelf shelf;
    private final Catalog catalog;
    private final Map<ModelFile, Kind> ofPrivate = new ConcurrentHashMap<>();
    private volatile Known known = new Known(List.of(), Map.of());

    /**
     * What is known of a file.
     *
     * @param sha256 64 hex digits, or null while nobody has computed it
     */
    public record Kind(
            ModelKind kind,
            Architecture architecture,
            @Nullable String sha256) {
        static final Kind UNKNOWN = new Kind(ModelKind.OTHER, Architecture.UNKNOWN, null);

        public boolean isXl() {
            return architecture.name().startsWith("SDXL");
        }

        public boolean isInpainting() {
            return architecture == Architecture.SD1_INPAINTING;
        }
    }

    private record Known(List<ModelFile> files, Map<Path, Kind> kinds) {}

    /** @param shelf with the models of all owners */
    public ModelKinds(ModelShelf shelf, Catalog catalog) {
        this.shelf = shelf;
        this.catalog = catalog;
    }

    /** What a file is; OTHER if nobody knows. */
    public Kind of(ModelFile file) {
        if (file.isPrivate()) {
            return ofPrivate.computeIfAbsent(file, ModelKinds::look);
        }
        return kinds().getOrDefault(normal(file.path()), Kind.UNKNOWN);
    }

    private static Path normal(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /** Read again when the shelf has changed, which it does after the catalog. */
    @SuppressWarnings("ReferenceEquality") // thousands of files are the same list, or another one
    private Map<Path, Kind> kinds() {
        List<ModelFile> files = shelf.files();
        Known now = known;
        if (now.files() == files) {
            return now.kinds();
        }
        Map<Path, Kind> kinds = new HashMap<>();
        Optional<String> next = Optional.empty();
        do {
            ModelQuery query = ModelQuery.ALL.limitedTo(PAGE);
            ModelPage page = catalog.list(next.map(query::after).orElse(query));
            page.models().forEach(model -> kinds.put(normal(model.path()), kind(model)));
            next = page.next();
        } while (next.isPresent());
        known = new Known(files, kinds);
        return kinds;
    }

    private static Kind kind(Model model) {
        return new Kind(model.kind(), model.architecture(), model.sha256().orElse(null));
    }

    private static Kind look(ModelFile file) {
        try {
            Architecture architecture = Architecture.of(Layout.normalize(Checkpoints.open(file.path())));
            return new Kind(ModelKind.of(architecture), architecture, null);
        } catch (InvalidCheckpointException | UncheckedIOException _) {
            return Kind.UNKNOWN;
        }
    }
}
