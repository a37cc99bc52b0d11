package dev.atelier.merge;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The parameters of one merge: what was written, by name; the method's standard for everything else. */
public final class Settings {
    private final Map<String, String> written;

    Settings(Map<String, String> written) {
        this.written = Map.copyOf(written);
    }

    <T> T of(Parameter<T> parameter) {
        String text = written.get(parameter.name());
        return text == null ? parameter.standard() : parameter.parse(text);
    }

    /** One number for each of {@code count} models. */
    double[] perModel(Parameter<List<Double>> parameter, int count) {
        List<Double> given = of(parameter);
        if (given.size() != 1 && given.size() != count) {
            throw new IllegalArgumentException(
                    "%s has %d numbers, but there are %d models".formatted(parameter.name(), given.size(), count));
        }
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = given.get(given.size() == 1 ? 0 : i);
        }
        return numbers;
    }

    Settings with(Parameter<Double> parameter, double value) {
        Map<String, String> changed = new LinkedHashMap<>(written);
        changed.put(parameter.name(), Double.toString(value));
        return new Settings(changed);
    }
}
