package dev.atelier.server.studio;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Recognition;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.worker.WriteTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A model that is about to be written: what it would be, before a byte of it is. */
record NewModel(ModelLibrary library, String expression, ResolvedModel model, String file) {
    private static final Set<String> FORMATS = Set.of("safetensors", "ckpt");
    private static final int LONGEST_NAME = 200;

    /** A part of a path that is a name on every system and not hidden. */
    private static final Pattern PART =
            Pattern.compile("[^.\\s/\\\\:*?\"<>|\\p{Cntrl}][^/\\\\:*?\"<>|\\p{Cntrl}]*(?<![. ])");

    /**
     * @param name without ending; folders are separated by {@code /}
     * @param format null for safetensors
     * @throws HttpError 422 if the name could leave the models folder, or is none on some systems
     */
    static NewModel of(ModelLibrary library, String expression, String name, @Nullable String format) {
        String ending = format == null ? "safetensors" : format;
        if (!FORMATS.contains(ending)) {
            throw new HttpError(422, "format is safetensors or ckpt, not \"%s\"".formatted(ending));
        }
        String clean = name.strip().replace('\\', '/');
        if (clean.length() > LONGEST_NAME || clean.isEmpty()) {
            throw new HttpError(422, "name has 1 to %d characters".formatted(LONGEST_NAME));
        }
        for (String part : clean.split("/", -1)) {
            if (!PART.matcher(part).matches()) {
                throw new HttpError(422, "\"%s\" cannot be (a part of) the name of a model".formatted(part));
            }
        }
        return new NewModel(library, expression, library.shelf().resolve(expression), clean + "." + ending);
    }

    private Path target() {
        return library.folder().resolve(file);
    }

    /** What it would be. */
    Map<String, @Nullable Object> plan() {
        Checkpoint checkpoint = Layout.normalize(model.checkpoint());
        Map<String, @Nullable Object> plan = new LinkedHashMap<>();
        plan.put("expression", expression);
        plan.put("file", file);
        plan.put("exists", Files.exists(target()));
        Recognition recognition = Recognition.of(checkpoint);
        plan.put("label", recognition.label());
        plan.put("nativeSize", NativeSize.of(checkpoint, recognition));
        plan.put("tensors", checkpoint.tensors().size());
        plan.put("bytes", checkpoint.byteSize());
        plan.put("free", free());
        plan.put("warnings", model.warnings());
        return plan;
    }

    private long free() {
        try {
            // the folder is made with its first model
            for (Path folder = library.folder().toAbsolutePath(); folder != null; folder = folder.getParent()) {
                if (Files.exists(folder)) {
                    return Files.getFileStore(folder).getUsableSpace();
                }
            }
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Queues the job that writes it.
     *
     * @throws HttpError 409 if there is a file of that name that must stay, 507 if the disk is too full
     */
    Job submit(Jobs jobs, JobKind kind, String owner, WriteTask task) {
        if (Files.exists(target()) && !task.overwrite()) {
            throw new HttpError(409, "%s exists; choose another name, or overwrite it".formatted(file));
        }
        long bytes = model.checkpoint().byteSize();
        if (bytes > free()) {
            throw new HttpError(507, "%s needs %d MB, and the disk has %d".formatted(file, bytes >> 20, free() >> 20));
        }
        return jobs.submit(kind, owner, null, Json.MAPPER.valueToTree(task));
    }
}
