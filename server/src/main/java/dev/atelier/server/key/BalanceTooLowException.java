package dev.atelier.server.key;

import java.math.RoundingMode;

/** A key cannot pay for a request. */
public final class BalanceTooLowException extends RuntimeException {
    BalanceTooLowException(long balance, long cost) {
        super("the balance of this key is %s USD, and the request costs %s USD".formatted(usd(balance), usd(cost)));
    }

    private static String usd(long amount) {
        return Price.toUsd(amount).setScale(6, RoundingMode.HALF_UP).toPlainString();
    }
}
