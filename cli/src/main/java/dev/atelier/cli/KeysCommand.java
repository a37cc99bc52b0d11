package dev.atelier.cli;

import dev.atelier.server.db.Database;
import dev.atelier.server.key.ApiKey;
import dev.atelier.server.key.ApiKeys;
import dev.atelier.server.key.Charge;
import dev.atelier.server.key.Ledger;
import dev.atelier.server.key.Limits;
import dev.atelier.server.key.Price;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "keys",
        description = {
            "Makes, lists and revokes the keys of a server's API, and gives them money to spend.",
            "",
            "A running server sees changes at once. One that only its own machine can reach asks for keys as soon as there is "
                    + "one; others always do.",
            "",
            "Examples:",
            "  atelier keys create alice --balance 5 --per-minute 20",
            "  atelier keys list",
            "  atelier keys grant 3f9a01c2d4e5 10",
            "  atelier keys usage 3f9a01c2d4e5",
            "  atelier keys revoke 3f9a01c2d4e5",
            "",
        },
        defaultValueProvider = ServeDefaults.class,
        mixinStandardHelpOptions = true)
final class KeysCommand implements Callable<Integer> {
    @Mixin
    private StorageOptions storage = new StorageOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return Main.BAD_INPUT;
    }

    private Database database() {
        return storage.storage().openDatabase();
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    @Command(description = "Makes a key, and shows it this once.", mixinStandardHelpOptions = true)
    int create(
            @Parameters(paramLabel = "NAME", description = "Whose it is.") String name,
            @Option(names = "--balance", paramLabel = "USD", description = "What it may spend. Default: no limit.")
                    @Nullable
                    BigDecimal balance,
            @Option(names = "--per-minute", paramLabel = "N", description = "Pictures a minute. Default: no limit.")
                    @Nullable
                    Integer perMinute,
            @Option(names = "--per-day", paramLabel = "N", description = "Pictures a day. Default: no limit.") @Nullable
                    Integer perDay) {
        try (Database database = database()) {
            ApiKeys.Created created = new ApiKeys(database)
                    .create(name, balance == null ? null : units(balance), new Limits(perMinute, perDay));
            out().println(created.secret());
            out().flush();
            spec.commandLine()
                    .getErr()
                    .printf(
                            "This is the only time that the key is shown; its id is %s.%n",
                            created.key().id());
            return 0;
        }
    }

    @Command(description = "Lists the keys.", mixinStandardHelpOptions = true)
    int list() {
        try (Database database = database()) {
            new Ledger(database).settle();
            out().printf("%-12s  %-20s  %14s  %7s  %7s  %s%n", "ID", "NAME", "BALANCE (USD)", "/MINUTE", "/DAY", "");
            for (ApiKey key : new ApiKeys(database).list()) {
                out().printf(
                                "%-12s  %-20s  %14s  %7s  %7s  %s%n",
                                key.id(),
                                key.name(),
                                key.balance() == null ? "no limit" : usd(key.balance()),
                                orNone(key.limits().perMinute()),
                                orNone(key.limits().perDay()),
                                key.revokedAt() == null ? "" : "revoked");
            }
            out().flush();
            return 0;
        }
    }

    @Command(description = "Lets nobody in with a key any more.", mixinStandardHelpOptions = true)
    int revoke(@Parameters(paramLabel = "ID", description = "The key's id.") String id) {
        try (Database database = database()) {
            return done(new ApiKeys(database).revoke(id), id);
        }
    }

    @Command(
            description = "Adds to what a key may spend; a negative amount takes away.",
            mixinStandardHelpOptions = true)
    int grant(
            @Parameters(paramLabel = "ID", description = "The key's id.") String id,
            @Parameters(paramLabel = "USD", description = "How much.") BigDecimal amount) {
        try (Database database = database()) {
            return done(new ApiKeys(database).grant(id, units(amount)), id);
        }
    }

    @Command(description = "What was drawn with a key, or with all, the newest first.", mixinStandardHelpOptions = true)
    int usage(
            @Parameters(paramLabel = "ID", arity = "0..1", description = "The key's id. Default: all keys.") @Nullable
                    String id,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            defaultValue = "50",
                            description = "Default: ${DEFAULT-VALUE}.")
                    int limit) {
        try (Database database = database()) {
            for (Charge charge : new Ledger(database).list(id, limit)) {
                out().printf(
                                "%s  %s  %-22s  %d × %d × %d, %d steps  %s USD  %s  %s%n",
                                charge.createdAt(),
                                charge.key(),
                                charge.order().endpoint(),
                                charge.order().images(),
                                charge.order().width(),
                                charge.order().height(),
                                charge.order().steps(),
                                usd(charge.order().cost()),
                                charge.state().name().toLowerCase(Locale.ROOT),
                                charge.order().model());
            }
            out().flush();
            return 0;
        }
    }

    private int done(boolean done, String id) {
        if (!done) {
            spec.commandLine().getErr().printf("atelier: there is no key %s that this could be done to%n", id);
        }
        return done ? 0 : Main.BAD_INPUT;
    }

    private static long units(BigDecimal usd) {
        try {
            return Price.ofUsd(usd);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("an amount has at most ten decimals and nine digits before them", e);
        }
    }

    private static String usd(long amount) {
        return Price.toUsd(amount).setScale(4, RoundingMode.DOWN).toPlainString();
    }

    private static String orNone(@Nullable Integer limit) {
        return limit == null ? "-" : limit.toString();
    }
}
