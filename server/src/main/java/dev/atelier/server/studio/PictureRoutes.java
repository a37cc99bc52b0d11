package dev.atelier.server.studio;

import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.Infotext;
import dev.atelier.diffusion.PngFile;
import dev.atelier.server.db.Json;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.job.Job;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelShelf;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.server.worker.GenerateTask;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Drawing, and reading how a picture was drawn. */
final class PictureRoutes {
    private static final int MAX_PICTURE = 30 << 20;

    private final Jobs jobs;
    private final ObjectStore store;
    private final ModelShelf shelf;

    PictureRoutes(Jobs jobs, ObjectStore store, ModelShelf shelf) {
        this.jobs = jobs;
        this.store = store;
        this.shelf = shelf;
    }

    /** {@code POST /api/v1/pictures}. */
    void draw(Context context) {
        Job job = submit(task(JsonBody.read(context, PictureRequest.class)), WebServer.owner(context));
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("job", job.id());
        answer.put("seed", job.request().get("seed").longValue());
        context.status(202).json(answer);
    }

    GenerateTask task(PictureRequest request) {
        return request.task(shelf, this::keep);
    }

    Job submit(GenerateTask task, String owner) {
        String model = String.valueOf(task.model());
        if (shelf.find(model).isEmpty()) {
            var _ = shelf.resolve(model); // a mistake is told now, not by the job
        } else if (shelf.findModel(model).isEmpty()) {
            throw new HttpError(422, "\"%s\" is no checkpoint".formatted(model));
        }
        return jobs.submit(JobKind.GENERATE, owner, model, Json.MAPPER.valueToTree(task));
    }

    /**
     * Stores a picture for a job.
     *
     * @param base64 null where the request has none, which is a mistake
     * @return its key
     */
    String keep(@Nullable String base64) {
        if (base64 == null) {
            throw new HttpError(422, "a picture to start from or a mask has an image");
        }
        String digits = base64.startsWith("data:") ? base64.substring(base64.indexOf(',') + 1) : base64;
        try {
            byte[] picture = Base64.getMimeDecoder().decode(digits);
            if (picture.length > MAX_PICTURE) {
                throw new HttpError(413, "a picture has more than %d MB".formatted(MAX_PICTURE >> 20));
            }
            var _ = ImageFile.read(picture); // with its limit on pixels; better here than in the job
            String key = "inputs/" + UUID.randomUUID();
            store.put(key, picture);
            return key;
        } catch (IllegalArgumentException | IOException e) {
            throw new HttpError(422, "the picture cannot be read: " + e.getMessage());
        }
    }

    /**
     * {@code POST /api/v1/infotext}: the settings in a PNG file, or in the text itself, as a request that draws the picture
     * again.
     */
    void infotext(Context context) {
        byte[] body = Body.bytes(context, MAX_PICTURE);
        String text = isPng(body) ? infotext(body) : new String(body, StandardCharsets.UTF_8);
        Infotext infotext = Infotext.parse(text);
        GenerationRequest request = infotext.request();
        context.json(Map.of("infotext", text, "settings", PictureRequest.of(request, model(infotext))));
    }

    private static boolean isPng(byte[] body) {
        return body.length > 8 && body[0] == (byte) 0x89 && body[1] == 'P' && body[2] == 'N' && body[3] == 'G';
    }

    private static String infotext(byte[] png) {
        try {
            return PngFile.readInfotext(png)
                    .orElseThrow(() -> new HttpError(422, "this picture does not say how it was made"));
        } catch (IOException e) {
            throw new HttpError(422, "the picture cannot be read: " + e.getMessage());
        }
    }

    /** The model of the shelf that a text names; null if it is not there, or an expression that cannot be read any more. */
    private @Nullable String model(Infotext infotext) {
        return Stream.of("Model hash", "Model")
                .map(infotext.parameters()::get)
                .flatMap(name -> Optional.ofNullable(name).stream())
                .flatMap(name -> shelf.find(name).map(ModelFile::name).or(() -> expression(name)).stream())
                .findFirst()
                .orElse(null);
    }

    private Optional<String> expression(String text) {
        try {
            var _ = shelf.resolve(text);
            return Optional.of(text);
        } catch (RuntimeException _) {
            return Optional.empty();
        }
    }
}
