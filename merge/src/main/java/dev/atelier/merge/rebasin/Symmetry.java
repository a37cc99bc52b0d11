package dev.atelier.merge.rebasin;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Neurons of a network that may change places without changing what it computes: within blocks of equally many, as the
 * heads of attention and the groups of a GroupNorm are, and block by block.
 *
 * @param blocks how many blocks there are; one if any neuron may take any place
 * @param kinds of neurons that keep to the same blocks, equally many of each: those that queries and keys share, and those
 *     that values hand to the projection behind them; of most layers only one
 */
record Symmetry(int blocks, List<Neurons> kinds) {

    /** @param places wherever a tensor has one slice for each of them */
    record Neurons(int count, List<Place> places) {}

    /** The slices {@code first}, {@code first + 1}, … of a tensor along its first or second axis. */
    record Place(String tensor, int axis, int first) {}

    Set<String> tensors() {
        return kinds.stream()
                .flatMap(kind -> kind.places().stream())
                .map(Place::tensor)
                .collect(Collectors.toSet());
    }
}
