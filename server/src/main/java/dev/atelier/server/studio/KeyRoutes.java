package dev.atelier.server.studio;

import dev.atelier.server.http.HttpError;
import dev.atelier.server.key.ApiKey;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Charge;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.key.Limits;
import io.javalin.http.Context;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Keys and what they have spent, for whoever sits at the server's own machine.
 *
 * @param isAdministered false where the page has users with passwords: none of them is more than the others
 */
record KeyRoutes(ApiKeys keys, Ledger ledger, boolean isAdministered) {
    private static final double DOLLAR = 1e10; // of the ledger's units
    private static final int SHOWN = 100;
    private static final int COUNTED = 10_000;

    /** {@code GET /api/v1/usage}. */
    void usage(Context context) {
        if (!isAdministered) {
            context.json(Map.of("administered", false));
            return;
        }
        List<Charge> charges = ledger.list(null, COUNTED);
        Map<String, Integer> images = charges.stream()
                .filter(charge -> charge.state() != Charge.State.RELEASED)
                .collect(Collectors.groupingBy(
                        Charge::key,
                        Collectors.summingInt(charge -> charge.order().images())));
        context.json(Map.of(
                "administered",
                true,
                "keys",
                keys.list().stream()
                        .map(key -> view(key, images.getOrDefault(key.id(), 0)))
                        .toList(),
                "charges",
                charges.stream().limit(SHOWN).map(KeyRoutes::view).toList()));
    }

    private static Map<String, @Nullable Object> view(ApiKey key, int images) {
        Map<String, @Nullable Object> view = new LinkedHashMap<>();
        view.put("id", key.id());
        view.put("name", key.name());
        view.put("balance", key.balance() == null ? null : key.balance() / DOLLAR);
        view.put("perMinute", key.limits().perMinute());
        view.put("perDay", key.limits().perDay());
        view.put("images", images);
        view.put("createdAt", key.createdAt());
        view.put("revokedAt", key.revokedAt());
        return view;
    }

    private static Map<String, @Nullable Object> view(Charge charge) {
        Map<String, @Nullable Object> view = new LinkedHashMap<>();
        view.put("at", charge.createdAt());
        view.put("key", charge.key());
        view.put("job", charge.job());
        view.put("endpoint", charge.order().endpoint());
        view.put("model", charge.order().model());
        view.put("images", charge.order().images());
        view.put("cost", charge.order().cost() / DOLLAR);
        view.put("state", JobViews.word(charge.state()));
        return view;
    }

    private record NewKey(
            @Nullable String name,
            @Nullable Double balance,
            @Nullable Integer perMinute,
            @Nullable Integer perDay) {}

    /** {@code POST /api/v1/keys}: the answer holds the whole key, which is not shown again. */
    void create(Context context) {
        requireAdministered();
        NewKey wanted = JsonBody.read(context, NewKey.class);
        ApiKeys.Created created = keys.create(
                wanted.name() == null ? "" : wanted.name().strip(),
                wanted.balance() == null ? null : Math.round(wanted.balance() * DOLLAR),
                new Limits(wanted.perMinute(), wanted.perDay()));
        context.status(201).json(Map.of("id", created.key().id(), "secret", created.secret()));
    }

    /** {@code POST /api/v1/keys/{id}/revoke}. */
    void revoke(Context context) {
        requireAdministered();
        context.json(Map.of("changed", keys.revoke(context.pathParam("id"))));
    }

    private void requireAdministered() {
        if (!isAdministered) {
            throw new HttpError(403, "keys are administered on the server's own machine: atelier keys");
        }
    }
}
