package dev.atelier.server.models;

import dev.atelier.catalog.ModelFiles;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.DemoModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The models below a folder. Drawn with are checkpoints as AUTOMATIC1111 looks for them (by extension, without separate VAEs,
 * and without what lies in a folder that is called as a kind of other files) and folders of diffusers; behind them comes the
 * model that is part of Atelier, so that there always is one.
 */
public final class FolderShelf implements ModelShelf {
    private static final Set<String> OTHER_KINDS = Set.of(
            "lora",
            "loras",
            "lycoris",
            "embeddings",
            "textual_inversion",
            "textual-inversion",
            "controlnet",
            "vae",
            "vae-approx",
            "hypernetworks",
            "upscale_models",
            "upscalers",
            "esrgan",
            "realesrgan");

    private final Path folder;
    private final ModelFile demo;
    private volatile List<ModelFile> models = List.of();
    private volatile Map<String, ModelFile> aliases = Map.of();
    private volatile List<ModelFile> files = List.of();
    private volatile Supplier<Set<Path>> others = Set::of;

    /** @param cache where the model that is part of Atelier is unpacked */
    public FolderShelf(Path folder, Path cache) {
        this.folder = folder;
        Path unpacked = DemoModel.unpack(cache);
        this.demo = demo(unpacked);
        refresh();
    }

    @Override
    public List<ModelFile> list() {
        return models;
    }

    @Override
    public List<ModelFile> files() {
        return files;
    }

    @Override
    public List<Path> folders() {
        return List.of(folder);
    }

    @Override
    public void leaveOut(Supplier<Set<Path>> paths) {
        others = paths;
    }

    @Override
    public void refresh() {
        Set<Path> left = others.get();
        Predicate<ModelFile> isModel = file -> isToDrawWith(file)
                && (left.isEmpty()
                        || !left.contains(file.path().toAbsolutePath().normalize()));
        List<ModelFile> found = Files.isDirectory(folder) ? read() : List.of();
        List<ModelFile> toDrawWith =
                Stream.concat(found.stream().filter(isModel), Stream.of(demo)).toList();
        List<ModelFile> all = Stream.concat(toDrawWith.stream(), found.stream().filter(Predicate.not(isModel)))
                .toList();
        Map<String, ModelFile> named = new HashMap<>();
        all.forEach(model -> model.aliases().forEach(alias -> named.putIfAbsent(alias, model)));
        models = toDrawWith;
        files = all;
        aliases = named;
    }

    @Override
    public Optional<ModelFile> find(String alias) {
        return Optional.ofNullable(aliases.get(alias));
    }

    private List<ModelFile> read() {
        return Stream.of(folder, folder.resolve(ModelFile.PRIVATE))
                .flatMap(root -> ModelFiles.below(root).models().stream())
                .map(file -> new ModelFile(
                        folder.relativize(file.path()).toString().replace('\\', '/'),
                        file.path(),
                        file.size(),
                        file.modified().toInstant(),
                        null))
                .sorted(Comparator.comparing(model -> model.name().toLowerCase(Locale.ROOT)))
                .toList();
    }

    private static boolean isToDrawWith(ModelFile file) {
        String name = file.name().toLowerCase(Locale.ROOT);
        boolean isCheckpoint =
                Stream.of(".safetensors", ".ckpt", ".safetensors.index.json").anyMatch(name::endsWith)
                        || Files.isDirectory(file.path());
        if (!isCheckpoint || name.endsWith(".vae.safetensors") || name.endsWith(".vae.ckpt")) {
            return false;
        }
        List<String> parts = List.of(name.split("/", -1));
        return parts.subList(0, parts.size() - 1).stream().noneMatch(OTHER_KINDS::contains);
    }

    private static ModelFile demo(Path file) {
        try {
            return new ModelFile(
                    file.getFileName().toString(),
                    file,
                    Files.size(file),
                    Files.getLastModifiedTime(file).toInstant(),
                    FileHash.sha256(file, Progress.NONE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
