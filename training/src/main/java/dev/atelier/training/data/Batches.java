package dev.atelier.training.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongFunction;
import java.util.random.RandomGenerator;

/**
 * The order in which pictures are seen: batches of one size each, all of them once in an epoch, in another order in every one.
 * Which pictures a batch has follows from its number alone, so that nothing has to be remembered to go on from there.
 */
public final class Batches {
    private final List<List<Integer>> bySize;
    private final int batch;
    private final LongFunction<RandomGenerator> random;
    private final int perEpoch;
    private long epoch = -1;
    private List<List<Integer>> order = List.of();

    /**
     * @param sizes the size of each picture; equal objects are equal sizes
     * @param repeats how often an epoch has each
     * @param batch how many pictures a batch has; the last of a size may have fewer
     * @param random the random numbers of an epoch
     */
    public Batches(List<?> sizes, List<Integer> repeats, int batch, LongFunction<RandomGenerator> random) {
        Map<Object, List<Integer>> places = new LinkedHashMap<>();
        for (int i = 0; i < sizes.size(); i++) {
            places.computeIfAbsent(sizes.get(i), _ -> new ArrayList<>()).addAll(Collections.nCopies(repeats.get(i), i));
        }
        this.bySize = List.copyOf(places.values());
        this.batch = batch;
        this.random = random;
        this.perEpoch = bySize.stream()
                .mapToInt(pictures -> Math.ceilDiv(pictures.size(), batch))
                .sum();
    }

    /** How many batches an epoch has. */
    public int perEpoch() {
        return perEpoch;
    }

    /** The pictures of a batch, by their places in the list of sizes. Batches are counted from 0 over all epochs. */
    public List<Integer> at(long number) {
        if (number / perEpoch != epoch) {
            epoch = number / perEpoch;
            order = order(Random.from(random.apply(epoch)));
        }
        return order.get((int) (number % perEpoch));
    }

    private List<List<Integer>> order(Random shuffling) {
        List<List<Integer>> batches = new ArrayList<>();
        for (List<Integer> pictures : bySize) {
            List<Integer> shuffled = new ArrayList<>(pictures);
            Collections.shuffle(shuffled, shuffling);
            for (int from = 0; from < shuffled.size(); from += batch) {
                batches.add(List.copyOf(shuffled.subList(from, Math.min(from + batch, shuffled.size()))));
            }
        }
        Collections.shuffle(batches, shuffling);
        return batches;
    }
}
