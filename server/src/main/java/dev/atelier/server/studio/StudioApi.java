package dev.atelier.server.studio;

import dev.atelier.catalog.NoSuchModelException;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.merge.expression.ExpressionException;
import dev.atelier.server.db.Database;
import dev.atelier.server.http.Api;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.QueueFullException;
import dev.atelier.server.job.Wish;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.store.ObjectStore;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The routes of our own API, {@code /api/v1/*}. Failures are {@code {"error": "a sentence"}}. */
public final class StudioApi implements Api {
    private static final String PREFIX = "/api/v1/";

    private final @Nullable BasicAuth auth;
    private final PictureRoutes pictures;
    private final JobRoutes jobs;
    private final EventRoute events;
    private final AboutRoute about;
    private final ModelRoutes models;
    private final MergeRoutes merges;
    private final TrainRoutes trainings;
    private final KeyRoutes keys;

    /** @param auth null where nobody needs a password */
    public StudioApi(Database database, Jobs jobs, ObjectStore store, ModelLibrary library, @Nullable BasicAuth auth) {
        this.auth = auth;
        this.keys = new KeyRoutes(new ApiKeys(database), new Ledger(database), auth == null);
        this.pictures = new PictureRoutes(jobs, store, library.shelf());
        this.jobs = new JobRoutes(jobs, store);
        this.events = new EventRoute(jobs);
        this.about = new AboutRoute(library.catalog());
        this.models = new ModelRoutes(library);
        this.merges = new MergeRoutes(jobs, library, pictures);
        this.trainings = new TrainRoutes(jobs, store, library, pictures);
    }

    @Override
    public List<String> prefixes() {
        return List.of(PREFIX);
    }

    @Override
    public void addTo(RoutesConfig routes) {
        routes.get(PREFIX + "about", about::show);
        routes.get(PREFIX + "events", events::stream);

        routes.post(PREFIX + "pictures", pictures::draw);
        routes.post(PREFIX + "infotext", pictures::infotext);

        routes.get(PREFIX + "jobs", jobs::list);
        routes.get(PREFIX + "jobs/{id}", jobs::show);
        routes.get(PREFIX + "jobs/{id}/preview", jobs::preview);
        routes.get(PREFIX + "jobs/{id}/events", context -> events.streamJob(context, jobs.job(context)));
        routes.get(PREFIX + "jobs/{id}/images/{index}", jobs::image);
        for (Wish wish : Wish.values()) {
            routes.post(PREFIX + "jobs/{id}/" + JobViews.word(wish), context -> jobs.wish(context, wish));
        }
        routes.post(PREFIX + "jobs/{id}/retry", jobs::retry);

        routes.get(PREFIX + "models", models::list);
        routes.post(PREFIX + "models/check", models::check);
        routes.post(PREFIX + "models/scan", models::scan);
        routes.get(PREFIX + "models/{id}", models::show);
        routes.get(PREFIX + "models/{id}/tensors", models::tensors);
        routes.get(PREFIX + "models/{id}/cover", models::cover);
        routes.post(PREFIX + "models/{id}/cover", models::setCover);
        routes.post(PREFIX + "models/{id}/hash", models::hash);

        routes.post(PREFIX + "merges", merges::merge);
        routes.post(PREFIX + "merges/plan", merges::plan);
        routes.post(PREFIX + "merges/grid", merges::grid);
        routes.post(PREFIX + "merges/metadata", merges::metadata);
        routes.post(PREFIX + "conversions", merges::convert);

        routes.post(PREFIX + "trainings", trainings::train);
        routes.get(PREFIX + "jobs/{id}/training", trainings::report);
        routes.get(PREFIX + "jobs/{id}/training/{sample}", trainings::sample);

        routes.get(PREFIX + "usage", keys::usage);
        routes.post(PREFIX + "keys", keys::create);
        routes.post(PREFIX + "keys/{id}/revoke", keys::revoke);
    }

    @Override
    public String admit(Context context) {
        return auth == null ? Jobs.LOCAL : auth.require(context.header("Authorization"));
    }

    @Override
    public void fail(Context context, Exception failure) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("error", String.valueOf(failure.getMessage()));
        switch (failure) {
            case HttpError _ -> {
                if (context.statusCode() == 401) {
                    context.header("WWW-Authenticate", "Basic realm=\"Atelier\", charset=\"UTF-8\"");
                }
            }
            case QueueFullException _ -> context.status(429).header("Retry-After", "10");
            case ExpressionException mistake -> {
                context.status(422);
                answer.put("error", mistake.problem());
                answer.put("position", mistake.position());
            }
            case NoSuchModelException _ -> context.status(404);
            case InvalidCheckpointException _, IllegalArgumentException _ -> context.status(422);
            default -> answer.put("error", "the server failed; its log says why");
        }
        context.json(answer);
    }
}
