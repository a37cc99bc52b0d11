package dev.atelier.server.studio;

import dev.atelier.catalog.Model;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelPage;
import dev.atelier.catalog.ModelQuery;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Recognition;
import dev.atelier.merge.expression.ResolvedModel;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelLibrary;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which models there are, and what an expression of them is. */
final class ModelRoutes {
    private static final int PAGE = 60;
    private static final int MAX_PAGE = 500;
    private static final int TENSORS = 200;
    private static final int MAX_PICTURE = 30 << 20;

    private final ModelLibrary library;

    ModelRoutes(ModelLibrary library) {
        this.library = library;
    }

    /** {@code GET /api/v1/models}: a page of those that a search finds. */
    void list(Context context) {
        ModelQuery query = ModelQuery.ALL
                .matching(Http.text(context, "q"))
                .sortedBy(constant(context, "sort", ModelQuery.Sort.values()).orElse(ModelQuery.Sort.NAME))
                .limitedTo(Http.number(context, "limit", PAGE, 1, MAX_PAGE));
        Optional<ModelKind> kind = constant(context, "kind", ModelKind.values());
        query = kind.isPresent() ? query.ofKind(kind.get()) : query;
        String family = Http.text(context, "family");
        query = family.isEmpty() ? query : query.ofFamily(family);
        String broken = Http.text(context, "broken");
        query = broken.isEmpty() ? query : query.onlyBroken(broken.equals("true"));
        String cursor = Http.text(context, "cursor");
        query = cursor.isEmpty() ? query : query.after(cursor);
        ModelPage page = library.catalog().list(query);
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("models", page.models().stream().map(ModelRoutes::view).toList());
        answer.put("next", page.next().orElse(null));
        context.json(answer);
    }

    private static <E extends Enum<E>> Optional<E> constant(Context context, String name, E[] all) {
        String word = Http.text(context, name);
        if (word.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(Arrays.stream(all)
                .filter(value -> value.toString().equals(word))
                .findFirst()
                .orElseThrow(() ->
                        new HttpError(422, "%s is one of %s, not \"%s\"".formatted(name, Arrays.toString(all), word))));
    }

    static Map<String, @Nullable Object> view(Model model) {
        Map<String, @Nullable Object> view = new LinkedHashMap<>();
        view.put("id", model.id());
        view.put("name", model.name());
        view.put("stem", model.stem());
        view.put("title", model.title());
        view.put("size", model.size());
        view.put("modified", model.modified());
        view.put("kind", model.kind().toString());
        view.put("architecture", JobViews.word(model.architecture()));
        view.put("label", model.label());
        view.put("dtypes", model.dtypes());
        view.put("components", model.components());
        view.put("tensors", model.tensors());
        view.put("problem", model.problem().orElse(null));
        view.put("sha256", model.sha256().orElse(null));
        view.put("shortHash", model.shortHash().orElse(null));
        view.put("autoV1", model.autoV1().orElse(null));
        view.put("autoV3", model.autoV3().orElse(null));
        view.put("cover", cover(model).orElse(null));
        return view;
    }

    /** When the picture beside it was made; clients ask again when that changes. */
    private static Optional<Long> cover(Model model) {
        return CoverPicture.file(model).map(file -> file.toFile().lastModified());
    }

    /** {@code GET /api/v1/models/{id}}. */
    void show(Context context) {
        context.json(new ModelDetails(library.catalog()).of(model(context)));
    }

    /** {@code GET /api/v1/models/{id}/tensors}. */
    void tensors(Context context) {
        int offset = Http.number(context, "offset", 0, 0, 1_000_000);
        context.json(ModelDetails.tensors(model(context), Http.text(context, "q"), offset, TENSORS));
    }

    /** {@code POST /api/v1/models/{id}/hash}: reads the whole file, unless that was done before. */
    void hash(Context context) {
        context.json(view(library.catalog().hashed(model(context), Progress.NONE)));
    }

    /** {@code GET /api/v1/models/{id}/cover}. */
    void cover(Context context) throws IOException {
        byte[] jpeg = CoverPicture.small(model(context)).orElseThrow(() -> new HttpError(404, "it has no cover"));
        context.header("Cache-Control", "private, max-age=3600");
        Http.answer(context, "image/jpeg", jpeg);
    }

    /** {@code POST /api/v1/models/{id}/cover}: the body is a picture. */
    void setCover(Context context) {
        Model model = model(context);
        try {
            CoverPicture.write(model, Body.bytes(context, MAX_PICTURE));
        } catch (IOException e) {
            throw new HttpError(422, "the picture cannot be taken: " + e.getMessage());
        }
        context.json(view(model));
    }

    /** {@code POST /api/v1/models/scan}: looks for new and changed files. */
    void scan(Context context) {
        library.rescan();
        context.json(Map.of("models", library.catalog().size()));
    }

    private Model model(Context context) {
        String id = context.pathParam("id");
        return Optional.of(id)
                .filter(text -> text.matches("\\d{1,18}"))
                .flatMap(text -> library.catalog().byId(Long.parseLong(text)))
                .orElseThrow(() -> new HttpError(404, "there is no model %s".formatted(id)));
    }

    private record Check(@Nullable String model) {}

    /** {@code POST /api/v1/models/check}: what a name or an expression stands for; a mistake in it is told with its place. */
    void check(Context context) {
        String text = JsonBody.read(context, Check.class).model();
        String name = text == null || text.isBlank()
                ? library.shelf().list().getFirst().name()
                : text.strip();
        ResolvedModel model = library.shelf().resolve(name);
        Checkpoint checkpoint = Layout.normalize(model.checkpoint());
        Recognition recognition = Recognition.of(checkpoint);
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("name", library.shelf().find(name).map(ModelFile::name).orElse(null));
        answer.put("inputs", List.copyOf(model.inputs().sequencedKeySet()));
        answer.put("label", recognition.label());
        answer.put("architecture", JobViews.word(recognition.architecture()));
        answer.put("nativeSize", NativeSize.of(checkpoint, recognition));
        answer.put("bytes", checkpoint.byteSize());
        answer.put("warnings", model.warnings());
        context.json(answer);
    }
}
