package dev.atelier.server.novita;

import dev.atelier.server.http.WebServer;
import dev.atelier.server.key.Ledger;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;

/** What a key has left, in the API's unit: 1/10000 USD. */
record AccountRoutes(Ledger ledger) {
    private static final long UNIT = 1_000_000; // of the ledger's
    // without a limit the API has no word for it, and the clients read a number
    private static final long NO_LIMIT = Integer.MAX_VALUE;

    /** {@code GET /v3/user}. */
    void user(Context context) {
        context.json(Map.of("allow_features", List.of(), "credit_balance", balance(context), "free_trial", Map.of()));
    }

    /** {@code GET /openapi/v1/billing/balance/detail}. */
    void balanceDetail(Context context) {
        String balance = Long.toString(balance(context));
        context.json(Map.of(
                "availableBalance", balance, "cashBalance", balance, "creditLimit", "0", "outstandingInvoices", "0"));
    }

    private long balance(Context context) {
        return ledger.balance(WebServer.owner(context)).stream()
                .map(balance -> balance / UNIT)
                .findFirst()
                .orElse(NO_LIMIT);
    }
}
