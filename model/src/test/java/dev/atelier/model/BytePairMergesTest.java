package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BytePairMergesTest {

    @Test
    void theLowestRankIsMergedFirst() {
        BytePairMerges merges = new BytePairMerges();
        merges.add(2, 3, 10); // bc
        merges.add(1, 2, 11); // ab
        assertThat(merges.apply(new int[] {1, 2, 3})).containsExactly(1, 10);
    }

    @Test
    void equalPairsAreMergedFromLeftToRight() {
        BytePairMerges merges = new BytePairMerges();
        merges.add(1, 1, 10); // aa
        assertThat(merges.apply(new int[] {1, 1, 1})).containsExactly(10, 1);
    }

    @Test
    void mergedSymbolsMergeFurther() {
        BytePairMerges merges = new BytePairMerges();
        merges.add(1, 2, 10); // ab
        merges.add(10, 10, 11); // abab
        assertThat(merges.apply(new int[] {1, 2, 1, 2, 3})).containsExactly(11, 3);
    }

    @Test
    void aWordWithoutKnownPairsStaysAsItIs() {
        assertThat(new BytePairMerges().apply(new int[] {1, 2, 3})).containsExactly(1, 2, 3);
    }

    @Test
    void theQueueMergesLikeTheTextbookScan() {
        Random random = new Random(7);
        for (int round = 0; round < 200; round++) {
            List<int[]> table = randomMerges(random, 30);
            BytePairMerges merges = new BytePairMerges();
            table.forEach(merge -> merges.add(merge[0], merge[1], merge[2]));
            int[] word = random.ints(40, 0, 4).toArray();

            int[] expected = textbook(table, word);

            assertThat(merges.apply(word.clone())).containsExactly(expected);
        }
    }

    /** Merges as training makes them: each joins symbols that exist by then, and no pair comes twice. */
    private static List<int[]> randomMerges(Random random, int count) {
        Map<List<Integer>, int[]> merges = new HashMap<>();
        List<int[]> ordered = new ArrayList<>();
        for (int id = 4; ordered.size() < count; ) {
            int[] merge = {random.nextInt(id), random.nextInt(id), id};
            if (merges.putIfAbsent(List.of(merge[0], merge[1]), merge) == null) {
                ordered.add(merge);
                id++;
            }
        }
        return ordered;
    }

    /** In order of rank, each pair is replaced from left to right: what the merges say, taken literally. */
    private static int[] textbook(List<int[]> table, int[] word) {
        List<Integer> symbols = new ArrayList<>();
        for (int symbol : word) {
            symbols.add(symbol);
        }
        for (int[] merge : table) {
            for (int i = 0; i + 1 < symbols.size(); i++) {
                if (symbols.get(i) == merge[0] && symbols.get(i + 1) == merge[1]) {
                    symbols.set(i, merge[2]);
                    symbols.remove(i + 1);
                }
            }
        }
        return symbols.stream().mapToInt(Integer::intValue).toArray();
    }
}
