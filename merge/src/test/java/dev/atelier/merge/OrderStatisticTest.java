package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against sorting; of equal numbers the lower index counts as the larger. */
class OrderStatisticTest {
    @ParameterizedTest
    @CsvSource({"1000, 1000000", "1000, 7", "1200000, 3"})
    void isWhatSortingSays(int count, int different) {
        Random random = new Random(3);
        double[] values = IntStream.range(0, count)
                .mapToDouble(_ -> random.nextInt(different) * 0.37)
                .toArray();
        Operands in = new Operands("a", List.of(new InMemory(DType.F64, Shape.of(count), values)));
        List<Integer> order = IntStream.range(0, count)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> values[i]).thenComparing(Comparator.reverseOrder()))
                .toList();
        for (int k : new int[] {0, 1, count / 3, count - 2, count - 1}) {
            OrderStatistic found = OrderStatistic.of(in, k, (x, _) -> x[0]);
            assertThat(found.value()).isEqualTo(values[order.get(k)]);
            assertThat(found.index()).isEqualTo(order.get(k).longValue());
        }
    }
}
