package dev.atelier.merge;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A value that is computed when it is first asked for and then kept: small, and the same for all tensors of a model. */
final class Once<T> implements Supplier<T> {
    private final Supplier<T> computation;
    private @Nullable T value;

    Once(Supplier<T> computation) {
        this.computation = computation;
    }

    @Override
    public synchronized T get() {
        if (value == null) {
            value = computation.get();
        }
        return value;
    }
}
