package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.Room;
import dev.atelier.merge.rebasin.Symmetry.Neurons;
import dev.atelier.merge.rebasin.Symmetry.Place;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;

/**
 * In which order a model's neurons are most like another's (Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin", arXiv 2209.04836,
 * algorithm 1): of each symmetry in turn the order in which the dot products of corresponding weights add up to the most,
 * with all others as they are, until none changes any more.
 */
final class WeightMatching {
    /** What an order must be better by than the one before, as a share of its score: more than rounding in fp32. */
    private static final double GAIN = 1e-6;

    /** To see whether an order is the best already, one of so many panels of numbers is looked at first. */
    private static final int SAMPLE = 16;

    /** How often the neurons of one symmetry are put in order; each time makes the whole better, the first ones by most. */
    private static final int MOST_ROUNDS = 10;

    private final Checkpoint model;
    private final Checkpoint reference;
    private final List<Symmetry> symmetries;
    private final Map<Neurons, int[]> orders = new HashMap<>();
    private final Map<String, List<Neurons>> byTensor = new HashMap<>();

    WeightMatching(Checkpoint model, Checkpoint reference, List<Symmetry> symmetries) {
        this.model = model;
        this.reference = reference;
        this.symmetries = symmetries;
        symmetries.stream().flatMap(symmetry -> symmetry.kinds().stream()).forEach(kind -> {
            orders.put(kind, identity(kind.count()));
            kind.places().stream()
                    .map(Place::tensor)
                    .distinct()
                    .forEach(tensor -> byTensor.computeIfAbsent(tensor, _ -> new ArrayList<>())
                            .add(kind));
        });
    }

    /** Of each kind of neurons, which of the model's stands at each place of the reference's. */
    Map<Neurons, int[]> orders(Progress progress) {
        Map<Symmetry, Integer> rounds = new HashMap<>();
        Queue<Symmetry> queue = new ArrayDeque<>(symmetries);
        long total = symmetries.stream().mapToLong(this::bytes).sum();
        long done = 0;
        while (!queue.isEmpty()) {
            Symmetry symmetry = queue.remove();
            boolean isFirst = rounds.merge(symmetry, 1, Integer::sum) == 1;
            if (improve(symmetry)) {
                for (Symmetry other : symmetries) {
                    if (!other.equals(symmetry)
                            && !Collections.disjoint(other.tensors(), symmetry.tensors())
                            && !queue.contains(other)
                            && rounds.getOrDefault(other, 0) < MOST_ROUNDS) {
                        queue.add(other);
                    }
                }
            }
            done += isFirst ? bytes(symmetry) : 0;
            progress.update(done, total);
        }
        return orders;
    }

    private long bytes(Symmetry symmetry) {
        return symmetry.tensors().stream()
                .mapToLong(tensor -> model.tensor(tensor).byteSize())
                .sum();
    }

    private boolean improve(Symmetry symmetry) {
        if (symmetry.kinds().stream().allMatch(kind -> likeness(kind, SAMPLE).provesOrder())) {
            return false;
        }
        List<float[][]> scores = symmetry.kinds().stream()
                .map(kind -> likeness(kind, 1).products())
                .toList();
        List<int[]> found = BlockAssignment.best(scores, symmetry.blocks());
        double before = 0;
        double after = 0;
        for (int kind = 0; kind < found.size(); kind++) {
            for (int i = 0; i < found.get(kind).length; i++) {
                before += scores.get(kind)[i][i];
                after += scores.get(kind)[i][found.get(kind)[i]];
            }
        }
        if (after <= before + GAIN * Math.abs(before)) {
            return false;
        }
        for (int i = 0; i < found.size(); i++) {
            int[] order = order(symmetry.kinds().get(i));
            orders.put(
                    symmetry.kinds().get(i),
                    Arrays.stream(found.get(i)).map(place -> order[place]).toArray());
        }
        return true;
    }

    private int[] order(Neurons kind) {
        return Objects.requireNonNull(orders.get(kind));
    }

    /** Of each of the reference's neurons (rows) to each of the model's, in the order they have by now. */
    private Likeness likeness(Neurons kind, int step) {
        int n = kind.count();
        Room.make(4L * n * n);
        Likeness likeness = new Likeness(n, step);
        for (Place place : kind.places()) {
            Tensor expected = reference.tensor(place.tensor());
            int across =
                    expected.shape().rank() < 2 ? 1 : (int) expected.shape().size(1 - place.axis());
            likeness.add(
                    new Slices(expected, place, identity(n), identity(across)),
                    new Slices(
                            model.tensor(place.tensor()),
                            place,
                            order(kind),
                            along(place.tensor(), 1 - place.axis(), across)));
        }
        return likeness;
    }

    /** The order of all slices of a tensor along an axis of {@code size}, as far as it is known by now. */
    int[] along(String tensor, int axis, int size) {
        int[] order = identity(size);
        for (Neurons kind : byTensor.getOrDefault(tensor, List.of())) {
            for (Place place : kind.places()) {
                if (place.tensor().equals(tensor) && place.axis() == axis) {
                    int[] own = order(kind);
                    for (int i = 0; i < own.length; i++) {
                        order[place.first() + i] = place.first() + own[i];
                    }
                }
            }
        }
        return order;
    }

    static int[] identity(int length) {
        int[] order = new int[length];
        Arrays.setAll(order, i -> i);
        return order;
    }
}
