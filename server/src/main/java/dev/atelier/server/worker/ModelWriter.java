package dev.atelier.server.worker;

import dev.atelier.Atelier;
import dev.atelier.Cache;
import dev.atelier.catalog.Model;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.merge.recipe.Format;
import dev.atelier.merge.recipe.InputFiles;
import dev.atelier.merge.recipe.Recipe;
import dev.atelier.server.db.Json;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.models.ModelLibrary;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.databind.JsonNode;

/** Writes models: merges and conversions. */
final class ModelWriter {
    /** What the programs that draw need to know stays, whatever becomes of the other metadata. */
    private static final List<String> STRUCTURE =
            List.of("atelier.", "modelspec.prediction_type", "modelspec.resolution", "modelspec.architecture");

    private static final String THUMBNAIL = "modelspec.thumbnail";

    /** Reading the inputs once for their hashes is a part of the work that is soon done. */
    private static final double HASHING = 0.2;

    private final ModelLibrary library;

    ModelWriter(ModelLibrary library) {
        this.library = library;
    }

    JsonNode run(Job job, JobControl control) throws IOException {
        WriteTask task = Json.MAPPER.treeToValue(job.request(), WriteTask.class);
        Path target = library.folder().resolve(task.file());
        // an earlier attempt may have died between the file and the row
        boolean ours = job.attempt() > 1;
        if (Files.exists(target) && !task.overwrite() && !ours) {
            throw new FileAlreadyExistsException("%s exists; choose another name".formatted(task.file()));
        }
        library.rescan(); // hashes are those of the files as they are now
        ResolvedModel model = library.shelf().resolve(task.expression());
        Checkpoint whole = model.checkpoint().withMetadata(metadata(task, model, target, control));
        Files.createDirectories(target.toAbsolutePath().getParent());
        whole.writeTo(target, bytes("writing", HASHING, 1, control));
        copyConfig(task, target);
        library.rescan();
        return Json.MAPPER.valueToTree(new WriteResult(
                task.file(),
                whole.byteSize(),
                whole.tensors().size(),
                library.catalog().find(task.file()).map(Model::id).orElse(null),
                model.warnings()));
    }

    /** As AUTOMATIC1111 does; nothing here reads it. */
    private void copyConfig(WriteTask task, Path target) throws IOException {
        if (task.configs() == null) {
            return;
        }
        Optional<Path> config = task.configs().stream()
                .flatMap(name -> library.shelf().find(name).stream())
                .map(model -> config(model.path()))
                .filter(Files::isRegularFile)
                .findFirst();
        if (config.isPresent()) {
            Files.copy(config.get(), config(target), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static Path config(Path model) {
        String name = String.valueOf(model.getFileName());
        return model.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ".yaml");
    }

    private Map<String, String> metadata(WriteTask task, ResolvedModel model, Path target, JobControl control)
            throws IOException {
        Map<String, String> metadata = new LinkedHashMap<>();
        if (task.copyMetadata()) {
            for (Path input : model.inputs().sequencedValues()) {
                metadata.putAll(Checkpoints.open(input).metadata());
            }
        }
        model.checkpoint().metadata().forEach((name, value) -> {
            if (STRUCTURE.stream().anyMatch(name::startsWith)) {
                metadata.put(name, value);
            }
        });
        metadata.remove(THUMBNAIL);
        metadata.keySet().removeAll(Recipe.KEYS);
        if (task.metadata() != null) {
            metadata.putAll(task.metadata());
        }
        if (!task.addRecipe()) {
            return metadata;
        }
        SequencedMap<String, Path> files = Recipe.files(model);
        Map<Path, String> hashes = hashes(files, control);
        return Recipe.of(model, Atelier.version(), Format.ofFile(target), hashes::get)
                .embedIn(metadata, files);
    }

    private Map<Path, String> hashes(Map<String, Path> models, JobControl control) throws IOException {
        List<Path> files = models.values().stream()
                .flatMap(model -> InputFiles.of(model).files().stream())
                .distinct()
                .toList();
        Map<Path, String> hashes = new HashMap<>();
        for (int i = 0; i < files.size(); i++) {
            double from = HASHING * i / files.size();
            double to = HASHING * (i + 1) / files.size();
            hashes.put(files.get(i), hash(files.get(i), bytes("hashing", from, to, control)));
        }
        return hashes;
    }

    /** What the catalog has once been told, a recipe's lineage can be followed by. */
    private String hash(Path file, Progress progress) throws IOException {
        Optional<String> hash = library.catalog()
                .byPath(file)
                .flatMap(known -> library.catalog().hashed(known, progress).sha256());
        return hash.isPresent() ? hash.get() : Cache.ofUser().sha256(file, progress);
    }

    /** Progress of a part of the job, told in megabytes. */
    private static Progress bytes(String phase, double from, double to, JobControl control) {
        return (done, total) -> control.report(
                phase, (int) (done >> 20), (int) (total >> 20), total == 0 ? to : from + (to - from) * done / total);
    }
}
