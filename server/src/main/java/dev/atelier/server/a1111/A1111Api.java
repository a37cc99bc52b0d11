package dev.atelier.server.a1111;

import static dev.atelier.server.a1111.Route.get;
import static dev.atelier.server.a1111.Route.post;

import dev.atelier.diffusion.Infotext;
import dev.atelier.server.db.Json;
import dev.atelier.server.db.Settings;
import dev.atelier.server.http.Api;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.http.Body;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.QueueFullException;
import dev.atelier.server.job.Wish;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.models.ModelShelf;
import dev.atelier.server.outbound.Hosts;
import dev.atelier.server.outbound.Outbound;
import dev.atelier.server.store.ObjectStore;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.javalin.router.Endpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The routes of AUTOMATIC1111's API. */
public final class A1111Api implements Api {
    private static final int MAX_BODY = 1 << 20;
    private static final String SD = "/sdapi/v1/";
    private static final String DOCUMENT = "/openapi/a1111.json";

    private final ModelLibrary library;
    private final ModelShelf shelf;
    private final Runnable unload;
    private final NetworkRoutes networks;
    private final @Nullable BasicAuth auth;
    private final Options options;
    private final Styles styles;
    private final EncodedImages images;
    private final Upscalers upscalers;
    private final ExtrasRoutes extras;
    private final DrawingRoutes drawing;
    private final ProgressRoutes progress;

    /**
     * @param library what callers may draw with
     * @param unload frees the models in memory
     * @param auth null where nobody needs a password
     * @param imageHosts from where pictures are fetched that requests give as addresses
     */
    public A1111Api(
            Jobs jobs,
            ObjectStore store,
            Settings settings,
            ModelLibrary library,
            Runnable unload,
            @Nullable BasicAuth auth,
            Outbound outbound,
            Hosts imageHosts) {
        this.library = library;
        this.shelf = library.shelf();
        this.unload = unload;
        this.auth = auth;
        this.options = new Options(settings, library.shelf());
        this.networks =
                new NetworkRoutes(library.catalog(), () -> options.selected().path());
        TaskIds taskIds = new TaskIds();
        this.images = new EncodedImages(store, outbound, imageHosts);
        FinishedJobs finished = new FinishedJobs(jobs, store);
        this.upscalers = new Upscalers(networks::upscalers, library.shelf());
        this.extras = new ExtrasRoutes(jobs, finished, images, upscalers);
        this.styles = new Styles(library.folder().resolve("styles.csv"));
        this.drawing = new DrawingRoutes(
                jobs, finished, options, new DrawingTasks(options, images, styles, upscalers), taskIds);
        this.progress = new ProgressRoutes(jobs, taskIds);
    }

    @Override
    public List<String> prefixes() {
        return List.of("/sdapi/v1/", "/internal/", "/controlnet/", DOCUMENT, "/openapi.json");
    }

    @Override
    public void addTo(RoutesConfig routes) {
        List<Route> all = routes();
        all.forEach(route -> routes.addEndpoint(new Endpoint(route.method(), route.path(), route.handler())));
        ObjectNode document = Document.of(all);
        for (String path : List.of(DOCUMENT, "/openapi.json")) { // the latter is where AUTOMATIC1111 shows its own
            routes.get(path, context -> context.json(document));
        }
    }

    private List<Route> routes() {
        List<Route> routes = new ArrayList<>();
        routes.add(post(SD + "txt2img", "Draw pictures of a text.", Requests.TXT2IMG, "Pictures", drawing::txt2img));
        routes.add(
                post(SD + "img2img", "Draw pictures after a picture.", Requests.IMG2IMG, "Pictures", drawing::img2img));
        routes.add(post(
                SD + "extra-single-image",
                "Make a finished picture larger.",
                Requests.EXTRAS_SINGLE,
                "Enlarged",
                extras::single));
        routes.add(post(
                SD + "extra-batch-images",
                "Make finished pictures larger.",
                Requests.EXTRAS_BATCH,
                "EnlargedBatch",
                extras::batch));
        routes.add(
                post(SD + "png-info", "What a PNG file says of itself.", Requests.PNG_INFO, "PngInfo", this::pngInfo));
        routes.add(post(
                SD + "interrogate",
                "Describe a picture, which takes a network that is not here.",
                Requests.INTERROGATE,
                "Caption",
                A1111Api::interrogate));

        routes.add(post(
                SD + "create/embedding",
                "Make a word of its own, for training to fill, in the folder embeddings.",
                Requests.CREATE_EMBEDDING,
                "Created",
                this::createEmbedding));
        routes.add(post(
                SD + "create/hypernetwork",
                "Make a hypernetwork, for training to fill, in the folder hypernetworks.",
                Requests.CREATE_HYPERNETWORK,
                "Created",
                this::createHypernetwork));
        for (String training : List.of("embedding", "hypernetwork")) {
            routes.add(post(SD + "train/" + training, "Train, which other routes do.", "Created", context -> {
                throw new HttpError(
                        501,
                        "training goes through POST /api/v1/trainings, the page's Train, and atelier train, which has"
                                + " embeddings too");
            }));
        }

        routes.add(get(SD + "progress", "How far the current picture is.", "Progress", progress::progress));
        routes.add(post(
                "/internal/progress",
                "How far the picture of a task is.",
                Requests.PROGRESS,
                "TaskProgress",
                progress::internalProgress));
        routes.add(get("/internal/pending-tasks", "The tasks that wait.", "PendingTasks", progress::pendingTasks));
        routes.add(post(SD + "interrupt", "End the current picture as it is.", "Empty", context -> {
            progress.wish(context, Wish.INTERRUPT);
            context.json(Map.of());
        }));
        routes.add(post(SD + "skip", "End the current batch as it is.", "Nothing", context -> {
            progress.wish(context, Wish.SKIP);
            nothing(context);
        }));

        routes.add(get(SD + "options", "All settings.", "Options", json(options::all)));
        routes.add(post(SD + "options", "Change settings.", Requests.OPTIONS, "Nothing", this::changeOptions));
        routes.add(get(SD + "cmd-flags", "How the server was started.", "Options", json(() -> Map.of("api", true))));
        routes.add(get(SD + "samplers", "Samplers.", "Samplers", json(Samplers::samplers)));
        routes.add(get(SD + "schedulers", "Schedulers.", "Schedulers", json(Samplers::schedulers)));
        routes.add(get(SD + "upscalers", "Upscalers of pixels.", "Upscalers", json(upscalers::all)));
        routes.add(
                get(SD + "latent-upscale-modes", "Upscalers of latents.", "LatentModes", json(Upscalers::latentModes)));
        routes.add(get(
                SD + "realesrgan-models",
                "Upscaling networks.",
                "UpscalingNetworks",
                json(networks::upscalingNetworks)));
        routes.add(get(SD + "sd-models", "Checkpoints.", "Models", json(() -> ModelRoutes.models(shelf))));
        routes.add(get(SD + "sd-vae", "VAEs.", "Vaes", json(networks::vaes)));
        routes.add(get(SD + "loras", "LoRAs.", "Loras", json(networks::loras)));
        routes.add(get(SD + "embeddings", "Embeddings.", "Embeddings", json(networks::embeddings)));
        routes.add(get(SD + "hypernetworks", "Hypernetworks.", "Hypernetworks", json(networks::hypernetworks)));
        routes.add(get(SD + "prompt-styles", "Styles.", "Styles", json(styles::list)));
        routes.add(get(SD + "scripts", "Scripts.", "Scripts", json(Script::names)));
        routes.add(get(
                SD + "script-info",
                "Scripts and their arguments.",
                "ScriptInfos",
                json(() -> Script.infos(upscalers.names()))));
        for (String none : List.of("face-restorers", "extensions")) {
            routes.add(get(SD + none, "There are none.", "None", json(List::of)));
        }
        for (String refresh : List.of("refresh-checkpoints", "refresh-vae", "refresh-embeddings", "refresh-loras")) {
            routes.add(post(SD + refresh, "Look into the models folder again.", "Nothing", context -> {
                library.rescan();
                nothing(context);
            }));
        }
        routes.add(post(SD + "unload-checkpoint", "Free the models in memory.", "Empty", context -> {
            unload.run();
            context.json(Map.of());
        }));
        routes.add(
                post(SD + "reload-checkpoint", "Nothing; the next picture loads its model.", "Empty", json(Map::of)));

        routes.add(get("/controlnet/version", "The version of its API.", "Version", json(() -> Map.of("version", 2))));
        routes.add(get("/controlnet/model_list", "ControlNets.", "ControlNets", json(networks::controlNets)));
        routes.add(get("/controlnet/module_list", "Preprocessors.", "Preprocessors", json(NetworkRoutes::extractions)));

        routes.add(get(SD + "memory", "Memory of the machine, in bytes.", "Memory", json(SystemRoutes::memory)));
        routes.add(get("/internal/ping", "Whether the server is there.", "Empty", json(Map::of)));
        for (String sysinfo : List.of("sysinfo", "sysinfo-download")) {
            routes.add(get(
                    "/internal/" + sysinfo,
                    "About the machine, as JSON that calls itself text.",
                    "SystemInfo",
                    context -> context.contentType("text/plain; charset=utf-8")
                            .result(Json.MAPPER.writeValueAsString(SystemRoutes.info()))));
        }
        routes.add(get("/internal/quicksettings-hint", "The names of the settings.", "Hints", json(options::hints)));
        routes.add(get("/internal/profile-startup", "Nothing.", "Empty", json(Map::of)));
        return routes;
    }

    private static Handler json(Supplier<?> answer) {
        return context -> context.json(answer.get());
    }

    /** Clients parse every answer as JSON, also where there is nothing to say. */
    private static void nothing(Context context) {
        context.contentType("application/json").result("null");
    }

    private void changeOptions(Context context) {
        JsonNode changes = Requests.OPTIONS.read(Body.text(context, MAX_BODY)).given();
        options.change(changes);
        nothing(context);
    }

    private void pngInfo(Context context) {
        Values values = Requests.PNG_INFO.read(Body.text(context, EncodedImages.MAX_TEXT));
        String text = images.infotext(values.textOrEmpty("image"));
        Infotext infotext = Infotext.parse(text);
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("Prompt", infotext.prompt());
        parameters.put("Negative prompt", infotext.negativePrompt());
        parameters.putAll(infotext.parameters());
        context.json(Map.of("info", text, "items", Map.of(), "parameters", parameters));
    }

    private void createEmbedding(Context context) throws IOException {
        Values values = Requests.CREATE_EMBEDDING.read(Body.text(context, MAX_BODY));
        NewEmbedding embedding = new NewEmbedding(
                values.textOrEmpty("name"),
                (int) values.integer("num_vectors_per_token", 1),
                values.textOrEmpty("init_text"));
        created(
                context,
                "embedding",
                folder -> embedding.write(options.selected().path(), folder, values.isTrue("overwrite_old")));
    }

    private void createHypernetwork(Context context) throws IOException {
        JsonNode body = FieldList.json(Body.text(context, MAX_BODY));
        for (String numbers : List.of("enable_sizes", "layer_structure", "dropout_structure")) {
            if (body instanceof ObjectNode object && body.path(numbers).isArray()) {
                object.put(
                        numbers,
                        body.get(numbers)
                                .valueStream()
                                .map(one -> one.asString(one.toString())) // what is no scalar fails as a number
                                .collect(Collectors.joining(",")));
            }
        }
        Values values = Requests.CREATE_HYPERNETWORK.read(body);
        created(
                context,
                "hypernetwork",
                folder -> NewHypernetwork.of(values)
                        .write(folder, values.isTrue("overwrite_old"), new SplittableRandom()));
    }

    /** A file in the folder of its kind below the models. */
    @FunctionalInterface
    private interface Making {
        Path in(Path folder) throws IOException;
    }

    private void created(Context context, String kind, Making making) throws IOException {
        String info;
        try {
            Path file = making.in(library.folder().resolve(kind + "s"));
            library.rescan();
            info = "create %s filename: %s".formatted(kind, file);
        } catch (IllegalArgumentException e) { // as there: with 200
            info = "create %s error: %s".formatted(kind, e.getMessage());
        }
        context.json(Map.of("info", info));
    }

    private static void interrogate(Context context) {
        Values values = Requests.INTERROGATE.read(Body.text(context, EncodedImages.MAX_TEXT));
        if (values.textOrEmpty("image").isEmpty()) {
            throw new HttpError(404, "Image not found");
        }
        throw new HttpError(
                501, "no network that describes pictures is here; png-info tells what a PNG file says of itself");
    }

    /** {@code /internal/*} and the list of LoRAs are open to all, as there, and so is the document. */
    @Override
    public String admit(Context context) {
        boolean isOpen = context.path().startsWith("/internal/")
                || context.path().endsWith("loras")
                || context.path().startsWith("/openapi");
        if (auth == null || (isOpen && context.header("Authorization") == null)) {
            return Jobs.LOCAL;
        }
        return auth.require(context.header("Authorization"));
    }

    @Override
    public void fail(Context context, Exception failure) {
        switch (failure) {
            case Options.UnknownOptionException unknown ->
                context.json(error("KeyError", "", String.valueOf(unknown.getMessage())));
            case Options.UnknownModelException unknown ->
                context.json(error("RuntimeError", "", String.valueOf(unknown.getMessage())));
            case InvalidRequestException invalid -> context.status(422).json(Map.of("detail", invalid.problems()));
            case HttpError error
            when error.status() == 404 || error.status() == 405 -> context.json(Map.of("detail", error.getMessage()));
            case HttpError error -> {
                if (error.status() == 401) {
                    context.header("WWW-Authenticate", "Basic");
                }
                context.json(error("HTTPException", error.getMessage(), ""));
            }
            case QueueFullException full ->
                context.status(429).header("Retry-After", "10").json(error("HTTPException", full.getMessage(), ""));
            default -> context.json(error("RuntimeError", "", String.valueOf(failure.getMessage())));
        }
    }

    private static Map<String, String> error(String type, @Nullable String detail, String errors) {
        Map<String, String> error = new LinkedHashMap<>();
        error.put("error", type);
        error.put("detail", detail == null ? "" : detail);
        error.put("body", "");
        error.put("errors", errors);
        return error;
    }
}
