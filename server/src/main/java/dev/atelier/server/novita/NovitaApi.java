package dev.atelier.server.novita;

import dev.atelier.server.db.Database;
import dev.atelier.server.http.Api;
import dev.atelier.server.http.Entrance;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.QueueFullException;
import dev.atelier.server.key.ApiKey;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.BalanceTooLowException;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.key.LimitReachedException;
import dev.atelier.server.link.Links;
import dev.atelier.server.models.ModelKinds;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.models.ModelShelf;
import dev.atelier.server.outbound.Outbound;
import dev.atelier.server.store.ObjectStore;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The routes of Novita's API, versions 2 and 3. */
public final class NovitaApi implements Api {
    private static final int RETRY_AFTER = 10;

    private final ApiKeys keys;
    private final boolean isExposed;
    private final Tasks tasks;
    private final Webhooks webhooks;
    private final V2Routes v2;
    private final V3Routes v3;
    private final ModelRoutes models;
    private final AccountRoutes account;
    private final TrainingRoutes training;

    /**
     * @param isExposed whether strangers can reach this server, so that it wants a key; otherwise it does once it has one, and
     *     until then any key will do, and none
     */
    public NovitaApi(
            Database database,
            Jobs jobs,
            Ledger ledger,
            ObjectStore store,
            Links links,
            ModelLibrary library,
            Outbound outbound,
            boolean isExposed) {
        this.keys = new ApiKeys(database);
        this.isExposed = isExposed;
        this.tasks = new Tasks(database, jobs, keys, ledger);
        Results results = new Results(tasks, jobs, links);
        ModelShelf shelf = library.shelf();
        ModelNames names = new ModelNames(shelf);
        InputImages images = new InputImages(store);
        this.v2 = new V2Routes(new V2Requests(names, images), tasks, results);
        this.v3 = new V3Routes(new V3Requests(names, images, outbound), tasks, results);
        this.models = new ModelRoutes(shelf, new ModelKinds(shelf, library.catalog()));
        this.webhooks = new Webhooks(tasks, results, keys, outbound);
        this.training = new TrainingRoutes(jobs, store, links, names, keys, ledger);
        this.account = new AccountRoutes(ledger);
    }

    /** Begins to call the webhooks of tasks that are done, until what is returned is closed. */
    public AutoCloseable callWebhooks() {
        return webhooks.start();
    }

    /** Forgets the tasks of before {@code time} whose jobs are forgotten. */
    public void forgetBefore(Instant time) {
        tasks.forgetBefore(time);
    }

    @Override
    public List<String> prefixes() {
        return List.of("/v2/", "/v3/", "/openapi/v1/", "/models");
    }

    @Override
    public void addTo(RoutesConfig routes) {
        for (String plan : List.of("/v2/", "/v2/enterprise/")) {
            routes.post(plan + "txt2img", v2.submit(V2Requests::textToImage));
            routes.post(plan + "img2img", v2.submit(V2Requests::imageToImage));
            routes.post(plan + "upscale", v2.submit(V2Requests::upscale));
            routes.get(plan + "progress", v2::progress);
        }
        routes.get("/v2/models", models::v2);
        routes.get("/models", models::v2); // where a version of the Python client looks

        routes.post("/v3/async/txt2img", v3.submit(V3Requests::textToImage));
        routes.post("/v3/async/img2img", v3.submit(V3Requests::imageToImage));
        routes.post("/v3/async/inpainting", v3.submit(V3Requests::inpainting));
        routes.post("/v3/async/upscale", v3.submit(V3Requests::upscale));
        routes.get("/v3/async/task-result", v3::result);
        routes.get("/v3/model", models::v3);
        routes.post("/v3/assets/training_dataset", training::slot);
        routes.post("/v3/training/subject", training.train(true));
        routes.post("/v3/training/style", training.train(false));
        routes.get("/v3/training/subject", training::show);
        routes.get("/v3/training/style", training::show);
        routes.get("/v3/training", training::list);
        routes.get("/v3/user", account::user);
        routes.get("/openapi/v1/billing/balance/detail", account::balanceDetail);
    }

    @Override
    public String admit(Context context) {
        Optional<String> secret = Entrance.secret(context);
        Optional<ApiKey> key = secret.flatMap(keys::authenticate);
        if (key.isPresent()) {
            return key.get().id();
        }
        if (!isExposed && !keys.exist()) {
            return Jobs.LOCAL;
        }
        throw secret.isEmpty()
                ? new ProblemException(
                        Problem.NO_KEY, "this server wants a key, in a header such as \"Authorization: Bearer atl_…\"")
                : new ProblemException(Problem.UNKNOWN_KEY, "this key is unknown or revoked");
    }

    @Override
    public void fail(Context context, Exception failure) {
        ProblemException shown = problem(context, failure);
        Problem problem = shown.problem();
        String message = String.valueOf(shown.getMessage());
        if (context.path().startsWith("/v2/") || context.path().equals("/models")) {
            context.status(200).json(V2Routes.envelope(problem.code(), message, null));
            return;
        }
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("code", problem.status());
        body.put("reason", problem.reason());
        body.put("message", message);
        body.put("metadata", Map.of());
        context.status(problem.status()).json(body);
    }

    private static ProblemException problem(Context context, Exception failure) {
        return switch (failure) {
            case ProblemException problem -> problem;
            case BalanceTooLowException low -> new ProblemException(Problem.BALANCE, String.valueOf(low.getMessage()));
            case LimitReachedException limit -> {
                context.header("Retry-After", Integer.toString(limit.retryAfter()));
                yield new ProblemException(Problem.LIMIT, String.valueOf(limit.getMessage()));
            }
            case QueueFullException full -> {
                context.header("Retry-After", Integer.toString(RETRY_AFTER));
                yield new ProblemException(Problem.LIMIT, String.valueOf(full.getMessage()));
            }
            case HttpError error
            when error.status() == 404 || error.status() == 405 ->
                new ProblemException(
                        Problem.NO_ROUTE,
                        "%s %s is not there".formatted(context.req().getMethod(), context.path()));
            case HttpError error
            when error.status() == 403 ->
                new ProblemException(Problem.FOREIGN_PAGE, String.valueOf(error.getMessage()));
            case HttpError error
            when error.status() == 413 -> new ProblemException(Problem.IMAGE_BYTES, String.valueOf(error.getMessage()));
            case HttpError error
            when error.status() < 500 -> new ProblemException(Problem.INVALID, String.valueOf(error.getMessage()));
            default -> new ProblemException(Problem.INTERNAL, "failed; the server's log says why");
        };
    }
}
