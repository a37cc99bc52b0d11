package dev.atelier.server.upload;

import dev.atelier.server.http.Api;
import dev.atelier.server.http.Entrance;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.outbound.Hosts;
import dev.atelier.server.outbound.Outbound;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** {@code /api/v1/uploads} and {@code /api/v1/imports}: models from callers and from addresses that they name. */
public final class UploadApi implements Api, AutoCloseable {
    static final String UPLOADS = "/api/v1/uploads";
    private static final String IMPORTS = "/api/v1/imports";
    // more than the largest of today's models in 32 bits
    private static final long MAX_BYTES = 64L << 30;

    private final Entrance entrance;
    private final TusRoutes uploads;
    private final ImportRoutes imports;

    /**
     * @param models the folder of models
     * @param allowed from where models may be fetched
     * @param changed called when there is a new model
     */
    public UploadApi(Path models, Entrance entrance, Outbound outbound, Hosts allowed, Runnable changed) {
        this.entrance = entrance;
        Intake intake = new Intake(models, MAX_BYTES, changed);
        this.uploads = new TusRoutes(intake);
        this.imports = new ImportRoutes(intake, outbound, allowed);
    }

    @Override
    public List<String> prefixes() {
        return List.of(UPLOADS, IMPORTS);
    }

    @Override
    public void addTo(RoutesConfig routes) {
        routes.options(UPLOADS, uploads::options);
        routes.post(UPLOADS, uploads::create);
        routes.head(UPLOADS + "/{id}", uploads::head);
        routes.patch(UPLOADS + "/{id}", uploads::patch);
        routes.delete(UPLOADS + "/{id}", uploads::delete);
        routes.post(IMPORTS, imports::create);
        routes.get(IMPORTS + "/{id}", imports::show);
    }

    @Override
    public String admit(Context context) {
        return entrance.admit(context);
    }

    @Override
    public void fail(Context context, Exception failure) {
        context.json(Map.of(
                "error",
                failure instanceof HttpError
                        ? String.valueOf(failure.getMessage())
                        : "the server failed; its log says why"));
    }

    @Override
    public void close() {
        imports.close();
    }
}
