package dev.atelier.merge;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The catalogue of merge methods. */
public final class MergeMethods {
    private static final List<MergeMethod> ALL = Stream.of(
                    Averages.METHODS,
                    Differences.METHODS,
                    Cosine.METHODS,
                    Spherical.METHODS,
                    Geometric.METHODS,
                    Regions.METHODS,
                    Crossover.METHODS,
                    Smoothing.METHODS,
                    Projections.METHODS,
                    Rotation.METHODS,
                    LowRank.METHODS,
                    TaskVectors.METHODS,
                    Ties.METHODS,
                    Della.METHODS,
                    ModelStock.METHODS,
                    Medians.METHODS,
                    Selections.METHODS,
                    Fisher.METHODS,
                    Noise.METHODS)
            .flatMap(List::stream)
            .toList();

    private MergeMethods() {}

    /** All methods, related ones together. */
    public static List<MergeMethod> all() {
        return ALL;
    }

    /** @throws IllegalArgumentException naming all methods if none is called {@code name} */
    public static MergeMethod named(String name) {
        return ALL.stream()
                .filter(method -> method.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no merge method \"%s\"; there are %s"
                        .formatted(name, ALL.stream().map(MergeMethod::name).collect(Collectors.joining(", ")))));
    }
}
