package dev.atelier.server.worker;

import dev.atelier.Atelier;
import dev.atelier.Enlarger;
import dev.atelier.ModelOptions;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.PngFile;
import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelExpression.SwappedVae;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.server.db.Json;
import dev.atelier.server.job.Bench;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelShelf;
import dev.atelier.server.store.ObjectStore;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Draws pictures; the last model stays loaded. */
public final class GenerateBench implements Bench {
    private final ModelShelf shelf;
    private final ObjectStore store;
    private final ModelOptions options;
    private volatile @Nullable String loadedName;
    private @Nullable String loadedFor;
    private Later loadedLater = Later.NONE;
    private @Nullable Atelier loaded;
    private @Nullable Enlarger enlarger;
    private List<Path> enlargerFolders = List.of();

    /** The models of the shelf that take over from another. */
    private record Later(@Nullable String hires, @Nullable String refiner) {
        static final Later NONE = new Later(null, null);

        static Later of(GenerateTask task) {
            Extras extras = task.extras();
            return extras == null ? NONE : new Later(extras.hires(), extras.refiner());
        }

        ModelOptions addTo(ModelOptions options, ModelShelf shelf) {
            return options.hires(path(hires, shelf)).refiner(path(refiner, shelf));
        }

        private static @Nullable Path path(@Nullable String name, ModelShelf shelf) {
            return name == null
                    ? null
                    : shelf.find(name)
                            .orElseThrow(() -> new IllegalStateException("the model %s is gone".formatted(name)))
                            .path();
        }
    }

    public GenerateBench(ModelShelf shelf, ObjectStore store, ModelOptions options) {
        this.shelf = shelf;
        this.store = store;
        this.options = options;
    }

    @Override
    public @Nullable String loadedModel() {
        return loadedName;
    }

    @Override
    public JsonNode run(Job job, JobControl control) throws IOException {
        return switch (job.kind()) {
            case GENERATE -> draw(job, control);
            case UPSCALE -> enlarge(job, control);
            case MERGE, CONVERT, TRAIN ->
                throw new IllegalArgumentException("no bench does %s here".formatted(job.kind()));
        };
    }

    private JsonNode enlarge(Job job, JobControl control) throws IOException {
        UpscaleTask task = Json.MAPPER.treeToValue(job.request(), UpscaleTask.class);
        BufferedImage large = task.how()
                .apply(
                        picture(task.image()),
                        enlarger(shelf.visibleTo(job.owner()).folders()),
                        (done, total) -> control.report("upscaling", done, total, (double) done / total));
        String key = "images/%s-%d-0.png".formatted(job.id(), job.attempt());
        String how = task.how().description(); // whoever named a network sees that it was Lanczos
        store.put(key, PngFile.encode(new GeneratedImage(large, 0, how)));
        GenerateResult.Image image = new GenerateResult.Image(key, 0, large.getWidth(), large.getHeight(), how);
        return Json.MAPPER.valueToTree(new GenerateResult(List.of(image), List.of()));
    }

    private Enlarger enlarger(List<Path> folders) {
        if (enlarger == null || !folders.equals(enlargerFolders)) {
            closeEnlarger();
            enlarger = Enlarger.of(options.models(folders));
            enlargerFolders = folders;
        }
        return enlarger;
    }

    private void closeEnlarger() {
        if (enlarger != null) {
            enlarger.close();
            enlarger = null;
        }
    }

    private JsonNode draw(Job job, JobControl control) throws IOException {
        GenerateTask task = Json.MAPPER.treeToValue(job.request(), GenerateTask.class);
        ModelShelf visible = shelf.visibleTo(job.owner());
        String name = task.model() == null ? visible.list().getFirst().name() : task.model();
        Atelier atelier = load(name, Later.of(task), visible, job.owner(), control);
        List<GenerateResult.Image> images = new ArrayList<>();
        DrawingListener listener = new DrawingListener(control);
        for (GeneratedImage image : atelier.generate(task.request(this::picture), listener)) {
            String key = "images/%s-%d-%d.png".formatted(job.id(), job.attempt(), images.size());
            store.put(key, PngFile.encode(image));
            images.add(new GenerateResult.Image(
                    key, image.seed(), image.pixels().getWidth(), image.pixels().getHeight(), image.infotext()));
        }
        return Json.MAPPER.valueToTree(new GenerateResult(images, listener.notes()));
    }

    private BufferedImage picture(String key) {
        try {
            byte[] bytes = store.read(key)
                    .orElseThrow(() -> new IllegalStateException("the picture %s is gone".formatted(key)));
            return ImageFile.read(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Atelier load(String name, Later later, ModelShelf visible, String owner, JobControl control) {
        Atelier current = loaded;
        // the same words may mean a private model of another owner
        boolean isSame = owner.equals(loadedFor) || visible.files().equals(shelf.files());
        if (current != null && name.equals(loadedName) && later.equals(loadedLater) && isSame) {
            return current;
        }
        forget();
        Progress progress = (done, total) -> control.report("loading", (int) (done >> 20), (int) (total >> 20), 0);
        Atelier opened = open(name, later, visible, current, progress);
        loaded = opened;
        loadedName = name;
        loadedLater = later;
        loadedFor = owner;
        return opened;
    }

    /** Opens a model in the place of the current one. */
    private Atelier open(String name, Later later, ModelShelf visible, @Nullable Atelier current, Progress progress) {
        if (visible.find(name).isEmpty()) {
            visible.refresh(); // it may be newer than the last look at the folder
        }
        ModelOptions options = later.addTo(this.options.models(visible.folders()), visible);
        Optional<ModelFile> file = visible.find(name);
        if (file.isEmpty()) {
            Optional<SwappedVae> swapped = ModelExpression.parse(name).swappedVae();
            Optional<ModelFile> vae = swapped.flatMap(names -> visible.findFile(names.vae()));
            if (vae.isPresent()) { // as a file, its name and hash go into the pictures
                file = swapped.flatMap(names -> visible.find(names.model()));
                options = file.isPresent() ? options.vae(vae.get().path()) : options;
            }
        }
        if (file.isPresent() && current != null) {
            return current.switchTo(file.get().path(), options, progress);
        }
        if (current != null) {
            current.close();
        }
        if (file.isPresent()) {
            return Atelier.open(file.get().path(), options, progress);
        }
        ResolvedModel model = visible.resolve(name);
        return Atelier.open(model.checkpoint(), new ModelLabel(name, null), options, progress);
    }

    @Override
    public void unload() {
        close();
        FreedMemory.giveBack();
    }

    /** Frees the model. */
    @Override
    public void close() {
        closeEnlarger();
        Atelier current = loaded;
        forget();
        if (current != null) {
            current.close();
        }
    }

    private void forget() {
        loaded = null;
        loadedName = null;
    }
}
