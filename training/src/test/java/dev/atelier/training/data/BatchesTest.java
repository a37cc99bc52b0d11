package dev.atelier.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchesTest {
    private static Batches batches(List<?> sizes, int repeats, int batch) {
        return new Batches(sizes, Collections.nCopies(sizes.size(), repeats), batch, SplittableRandom::new);
    }

    /** Batches of an epoch as kohya counts them: buckets of 13, 7 and 30 pictures. */
    @ParameterizedTest
    @CsvSource({"1, 50", "4, 14", "50, 3"})
    void everyBucketHasItsOwnBatches(int batch, int expected) {
        List<String> sizes = new ArrayList<>(Collections.nCopies(13, "a"));
        sizes.addAll(Collections.nCopies(7, "b"));
        sizes.addAll(Collections.nCopies(30, "c"));
        Batches batches = batches(sizes, 1, batch);
        assertThat(batches.perEpoch()).isEqualTo(expected);
        List<Integer> seen = new ArrayList<>();
        for (int i = 0; i < expected; i++) {
            List<Integer> pictures = batches.at(i);
            assertThat(pictures.stream().map(sizes::get).distinct()).hasSize(1);
            seen.addAll(pictures);
        }
        assertThat(seen).hasSize(50).doesNotHaveDuplicates();
    }

    @Test
    void aBatchFollowsFromItsNumber() {
        List<String> sizes = Collections.nCopies(10, "a");
        Batches straight = batches(sizes, 3, 4);
        List<List<Integer>> all = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            all.add(straight.at(i));
        }
        assertThat(batches(sizes, 3, 4).at(13)).isEqualTo(all.get(13));
        assertThat(all.subList(0, 8)).isNotEqualTo(all.subList(8, 16));
    }
}
