package dev.atelier.server.a1111;

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
import dev.atelier.server.store.ObjectStore;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The routes of AUTOMATIC1111's API. */
public final class A1111Api implements Api {
    private static final int MAX_BODY = 1 << 20;
    private final ModelLibrary library;
    private final ModelShelf shelf;
    private final Runnable unload;
    private final NetworkRoutes networks;
    private final @Nullable BasicAuth auth;
    private final Options options;
    private final Styles styles;
    private final DrawingRoutes drawing;
    private final ProgressRoutes progress;

    /**
     * @param library what callers may draw with
     * @param unload frees the models in memory
     * @param auth null where nobody needs a password
     */
    public A1111Api(
            Jobs jobs,
            ObjectStore store,
            Settings settings,
            ModelLibrary library,
            Runnable unload,
            @Nullable BasicAuth auth) {
        this.library = library;
        this.shelf = library.shelf();
        this.unload = unload;
        this.auth = auth;
        this.options = new Options(settings, library.shelf());
        this.networks =
                new NetworkRoutes(library.catalog(), () -> options.selected().path());
        TaskIds taskIds = new TaskIds();
        this.styles = new Styles(library.folder().resolve("styles.csv"));
        this.drawing = new DrawingRoutes(jobs, store, options, styles, taskIds);
        this.progress = new ProgressRoutes(jobs, taskIds);
    }

    @Override
    public List<String> prefixes() {
        return List.of("/sdapi/v1/", "/internal/", "/controlnet/");
    }

    @Override
    public void addTo(RoutesConfig routes) {
        routes.post("/sdapi/v1/txt2img", drawing::txt2img);
        routes.post("/sdapi/v1/img2img", drawing::img2img);

        routes.get("/sdapi/v1/progress", progress::progress);
        routes.post("/internal/progress", progress::internalProgress);
        routes.get("/internal/pending-tasks", progress::pendingTasks);
        routes.post("/sdapi/v1/interrupt", context -> {
            progress.wish(context, Wish.INTERRUPT);
            context.json(Map.of());
        });
        routes.post("/sdapi/v1/skip", context -> {
            progress.wish(context, Wish.SKIP);
            nothing(context);
        });

        routes.get("/sdapi/v1/options", context -> context.json(options.all()));
        routes.post("/sdapi/v1/options", this::changeOptions);
        routes.get("/sdapi/v1/cmd-flags", context -> context.json(Map.of("api", true)));

        routes.get("/sdapi/v1/samplers", context -> context.json(Samplers.samplers()));
        routes.get("/sdapi/v1/schedulers", context -> context.json(Samplers.schedulers()));
        routes.get("/sdapi/v1/sd-models", context -> context.json(ModelRoutes.models(shelf)));
        routes.get("/sdapi/v1/latent-upscale-modes", context -> context.json(Upscalers.latentModes()));
        routes.get("/sdapi/v1/upscalers", context -> context.json(Upscalers.all()));
        for (String empty :
                List.of("hypernetworks", "face-restorers", "realesrgan-models", "script-info", "extensions")) {
            routes.get("/sdapi/v1/" + empty, list(List::of));
        }
        routes.post("/sdapi/v1/extra-single-image", ExtrasRoutes::single);
        routes.post("/sdapi/v1/extra-batch-images", ExtrasRoutes::batch);
        routes.get("/sdapi/v1/prompt-styles", list(styles::list));
        routes.get("/sdapi/v1/sd-vae", list(networks::vaes));
        routes.get("/sdapi/v1/loras", list(networks::loras));
        routes.get("/sdapi/v1/embeddings", context -> context.json(networks.embeddings()));
        routes.get("/controlnet/version", context -> context.json(Map.of("version", 2)));
        routes.get("/controlnet/model_list", context -> context.json(networks.controlNets()));
        routes.get("/controlnet/module_list", context -> context.json(NetworkRoutes.extractions()));
        routes.get("/sdapi/v1/scripts", context -> context.json(Map.of("txt2img", List.of(), "img2img", List.of())));
        for (String refresh : List.of("refresh-checkpoints", "refresh-vae", "refresh-embeddings", "refresh-loras")) {
            routes.post("/sdapi/v1/" + refresh, context -> {
                library.rescan();
                nothing(context);
            });
        }

        routes.post("/sdapi/v1/png-info", A1111Api::pngInfo);
        routes.post("/sdapi/v1/interrogate", A1111Api::interrogate);
        routes.post("/sdapi/v1/unload-checkpoint", context -> {
            unload.run();
            context.json(Map.of());
        });
        routes.post("/sdapi/v1/reload-checkpoint", context -> context.json(Map.of())); // the next picture does
        routes.get("/sdapi/v1/memory", context -> context.json(SystemRoutes.memory()));
        routes.get("/internal/ping", context -> context.json(Map.of()));
        for (String sysinfo : List.of("sysinfo", "sysinfo-download")) {
            routes.get(
                    "/internal/" + sysinfo,
                    context -> context.contentType("text/plain; charset=utf-8")
                            .result(Json.MAPPER.writeValueAsString(SystemRoutes.info())));
        }
        routes.get("/internal/quicksettings-hint", context -> context.json(options.hints()));
        routes.get("/internal/profile-startup", context -> context.json(Map.of()));
    }

    private static Handler list(Supplier<List<?>> entries) {
        return context -> context.json(entries.get());
    }

    /** Clients parse every answer as JSON, also where there is nothing to say. */
    private static void nothing(Context context) {
        context.contentType("application/json").result("null");
    }

    private void changeOptions(Context context) {
        JsonNode changes = FieldList.of().read(Body.text(context, MAX_BODY)).given();
        options.change(changes);
        nothing(context);
    }

    private static void pngInfo(Context context) {
        Values values = Requests.PNG_INFO.read(Body.text(context, EncodedImage.MAX_TEXT));
        String text = EncodedImage.infotext(values.textOrEmpty("image"));
        Infotext infotext = Infotext.parse(text);
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("Prompt", infotext.prompt());
        parameters.put("Negative prompt", infotext.negativePrompt());
        parameters.putAll(infotext.parameters());
        context.json(Map.of("info", text, "items", Map.of(), "parameters", parameters));
    }

    /** There is no model that describes pictures. */
    private static void interrogate(Context context) {
        Values values = Requests.PNG_INFO.read(Body.text(context, EncodedImage.MAX_TEXT));
        throw new HttpError(404, values.textOrEmpty("image").isEmpty() ? "Image not found" : "Model not found");
    }

    /** {@code /internal/*} and the list of LoRAs are open to all, as there. */
    @Override
    public String admit(Context context) {
        boolean isOpen =
                context.path().startsWith("/internal/") || context.path().endsWith("loras");
        if (auth == null || (isOpen && context.header("Authorization") == null)) {
            return Jobs.LOCAL;
        }
        return auth.require(context.header("Authorization"));
    }

    @Override
    public void fail(Context context, Exception failure) {
        switch (failure) {
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
            case Options.UnknownOptionException unknown ->
                context.json(error("KeyError", "", String.valueOf(unknown.getMessage())));
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
