package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.diffusion.Recordings.BrownianPath;
import dev.atelier.diffusion.Recordings.Pair;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class BrownianNoiseTest {
    private static final float[] SIGMAS = Recordings.STORED.brownianSigmas();

    static Stream<BrownianPath> recordedPaths() {
        return Recordings.STORED.brownianTrees().stream();
    }

    @ParameterizedTest
    @MethodSource("recordedPaths")
    void theNoiseIsThatOfTorchsde(BrownianPath path) {
        BrownianNoise noise = new BrownianNoise(BatchSeeds.from(path.rng(), path.seed(), 1), SIGMAS, 4, 2, 2);
        assertThat(path.noise()).hasSize(9);
        for (int i = 0; i < path.noise().size(); i++) {
            assertClose(
                    noise.between(SIGMAS[i], SIGMAS[i + 1]).values(),
                    path.noise().get(i));
        }
        assertThat(path.pairs()).hasSize(3);
        for (Pair pair : path.pairs()) {
            for (int i = 0; i < 2; i++) {
                assertClose(
                        noise.between(pair.from()[i], pair.to()[i]).values(),
                        pair.noise().get(i));
            }
        }
    }

    @Test
    void everyImageOfABatchHasThePathOfItsOwnSeed() {
        BrownianNoise batch = new BrownianNoise(BatchSeeds.from(NoiseSource.NV, 7, 3), SIGMAS, 4, 2, 2);
        for (int i = 0; i < 3; i++) {
            BrownianNoise single = new BrownianNoise(BatchSeeds.from(NoiseSource.NV, 7 + i, 1), SIGMAS, 4, 2, 2);
            assertThat(batch.between(5, 2).rows(i, i + 1).values())
                    .containsExactly(single.between(5, 2).values());
        }
    }

    @Test
    void thePathIsTheSameHoweverItIsCut() {
        BrownianTree tree = new BrownianTree(NoiseSource.CPU, 3, 0.03, 14.6, 16);
        float[] whole = tree.increment(0.5, 9).values();
        float[] lower = tree.increment(0.5, 4.321).values();
        float[] upper = tree.increment(4.321, 9).values();
        for (int i = 0; i < 16; i++) {
            assertThat(lower[i] + upper[i]).isCloseTo(whole[i], within(2e-6f));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, '', 4025752534 2687548107 2326983537",
        "42, '', 387750627 2536650517 4078839648 2023786165",
        "42, 0 0, 2102017995 2891809698 2144110403 379559146",
        "42, 1 1, 1058881542 1039740124 2218853409 2234354429",
        "42, 5 3, 3084123560 468215949 242942938 2650128260",
        "4294967303, '', 2407665294 3389522225 1847125611",
        "4294967303, 0 0, 4132951300 2475979433 312460838 2633077730"
    })
    void seedsAreThoseOfNumPy(long seed, String path, String words) {
        long[] steps = Stream.of(path.split(" "))
                .filter(step -> !step.isEmpty())
                .mapToLong(Long::parseLong)
                .toArray();
        long[] expected = Stream.of(words.split(" ")).mapToLong(Long::parseLong).toArray();
        assertThat(new SeedSequence(seed, steps).words(expected.length)).containsExactly(expected);
    }

    private static void assertClose(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(2e-6f));
        }
    }
}
