package dev.atelier.diffusion;

import java.util.List;
import java.util.function.Function;

/**
 * What is in force at which time of a run, as prompt editing plans it.
 *
 * @param entries at least one, with growing ends
 */
record Timeline<T>(List<Entry<T>> entries) {

    /** @param end the last step, counted from 1, at which the value is in force */
    record Entry<T>(int end, T value) {}

    Timeline {
        entries = List.copyOf(entries);
    }

    static <T> Timeline<T> always(T value) {
        return new Timeline<>(List.of(new Entry<>(Integer.MAX_VALUE, value)));
    }

    <R> Timeline<R> map(Function<T, R> change) {
        return new Timeline<>(entries.stream()
                .map(entry -> new Entry<>(entry.end, change.apply(entry.value)))
                .toList());
    }

    /**
     * What is in force when the network is called. AUTOMATIC1111 counts the calls from 0 but the steps from 1, so that an
     * entry up to step k covers k + 1 calls; and a sampler that calls more often than planned starts over with the first.
     */
    T at(int call) {
        return entries.stream().filter(entry -> call <= entry.end).findFirst().orElse(entries.getFirst()).value;
    }
}
