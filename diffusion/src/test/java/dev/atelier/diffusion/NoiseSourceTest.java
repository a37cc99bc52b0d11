package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values: torch (CPU) and AUTOMATIC1111's modules/rng_philox.py, 1.10.1. */
class NoiseSourceTest {
    private static final int LATENT = 4 * 64 * 64;
    private static final Offset<Float> CLOSE = within(1e-6f);

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    0          | -1.1258398 -1.1523602 -0.25057858 -0.43387881 0.84871036 0.69200915 -0.31601277 -2.1152194 | -0.55183607 1.5398073 1.0035588
                    1          | -1.5255959 -0.7502318 -0.65398091 -1.6094848      | -0.73100251 0.33077332
                    42         | 1.9269153 1.4872841 0.9007172 -2.105521           | -1.3046587 1.4507034
                    1234567890 | 0.66982788 -0.0028842622 0.23280562 -0.50851423   | 0.18222705 -0.83278918
                    4294967294 | -0.78942627 -0.38306394 -1.0328329 -1.1818839     | -1.002972 0.092616178
                    4294967301 | 1.8423299 0.51888716 -1.7119213 -1.7013793        | 0.048655003 -0.2939983
                    """)
    void cpuNoiseIsThatOfTorch(long seed, String first, String second) {
        NoiseGenerator generator = NoiseSource.CPU.generator(seed);
        assertBegins(generator.next(LATENT), first);
        assertBegins(generator.next(LATENT), second);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    0          | -0.92466241 -0.42534396 -2.6438458 0.14518388 -0.12086651 -0.57972568 | 0.18082589 -0.55226272 0.9238134
                    1          | -0.29627782 2.6764481 -0.1408464 -0.84409505   | -0.63398367 -0.64313126
                    42         | 0.19401887 2.1613739 -0.17205095 0.84906       | 0.13913749 -0.10821616
                    1234567890 | 0.23617812 1.2633902 -0.54222375 -0.68376791   | 1.5304672 -0.26408622
                    4294967301 | -2.8427474 1.3404924 0.27223086 1.4550629      | 1.5295939 -0.21532378
                    """)
    void nvNoiseIsThatOfPhilox(long seed, String first, String second) {
        NoiseGenerator generator = NoiseSource.NV.generator(seed);
        assertBegins(generator.next(LATENT), first);
        assertBegins(generator.next(LATENT), second);
    }

    @Test
    void theLastElementsAreRightToo() {
        assertThat(NoiseSource.CPU.generator(0).next(LATENT)[LATENT - 1]).isCloseTo(-1.078208f, CLOSE);
        assertThat(NoiseSource.NV.generator(0).next(LATENT)[LATENT - 1]).isCloseTo(-2.9543159f, CLOSE);
    }

    @Test
    void cpuDrawsBelowSixteenAreMadeInPairs() {
        assertBegins(NoiseSource.CPU.generator(0).next(5), "1.5409961 -0.2934289 -2.1787894 0.56843126 -1.0845224");
    }

    @Test
    void anIncompleteLastBlockIsDrawnAgain() {
        NoiseGenerator generator = NoiseSource.CPU.generator(3);
        float[] seventeen = generator.next(17);
        assertBegins(seventeen, "-0.076644294 0.931124449 -0.514461994");
        assertThat(seventeen[16]).isCloseTo(0.485114008f, CLOSE);
        assertBegins(generator.next(3), "-0.216208592 0.132651135 0.390764356");
    }

    @Test
    void theUnusedHalfOfAPairIsKeptForTheNextSmallDraw() {
        float[] together = NoiseSource.CPU.generator(0).next(4);
        NoiseGenerator generator = NoiseSource.CPU.generator(0);
        assertThat(generator.next(3)).containsExactly(Arrays.copyOf(together, 3));
        assertThat(generator.next(1)).containsExactly(together[3]);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 0, 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        "0, 0, 1, 844515e1 f08d6eaa 0f19c053 83f875f0",
        "42, 0, 0, 9ceaf053 77f5493b 12bf50ad 5742b3d7",
        "42, 1, 2, 8fe60f5c e22cac8b c387c0fb aa23aa8d",
        "4294967301, 0, 0, 009b863c a701829e cdd07445 6fcd431d"
    })
    void philoxWordsAreThoseOfThePaper(long seed, int draw, int element, String words) {
        String actual = Arrays.stream(PhiloxNoise.words(seed, draw, element))
                .mapToObj("%08x"::formatted)
                .reduce((a, b) -> a + " " + b)
                .orElseThrow();
        assertThat(actual).isEqualTo(words);
    }

    @ParameterizedTest
    @CsvSource({"CPU", "NV"})
    void everyImageOfABatchIsTheImageOfItsOwnSeed(NoiseSource source) {
        BatchNoise batch = new BatchNoise(BatchSeeds.from(source, 7, 3), 4, 8, 16);
        List<BatchNoise> singles = IntStream.range(0, 3)
                .mapToObj(i -> new BatchNoise(BatchSeeds.from(source, 7 + i, 1), 4, 8, 16))
                .toList();
        for (int draw = 0; draw < 2; draw++) {
            FloatArray noise = batch.between(1, 0);
            assertThat(noise.shape()).containsExactly(3, 4, 8, 16);
            for (int i = 0; i < 3; i++) {
                assertThat(noise.rows(i, i + 1).values())
                        .containsExactly(singles.get(i).between(1, 0).values());
            }
        }
    }

    @Test
    void whatASamplerDrawsContinuesWhatTheRunStartedFrom() {
        BatchNoise noise = new BatchNoise(BatchSeeds.from(NoiseSource.CPU, 42, 1), 4, 64, 64);
        assertBegins(noise.first().values(), "1.9269153 1.4872841");
        assertBegins(noise.between(14.6f, 12).values(), "-1.3046587 1.4507034");
    }

    private static BatchSeeds seeds(Variation variation, @Nullable Size resizedFrom, long delta) {
        return new BatchSeeds(NoiseSource.CPU, List.of(42L), variation, resizedFrom, delta);
    }

    @Test
    void aVariationLiesBetweenTheNoiseOfTwoSeeds() {
        BatchNoise noise = new BatchNoise(seeds(new Variation(7, 0.25), null, 0), 4, 64, 64);
        assertBegins(noise.first().values(), "1.491643 1.610334 1.1247 -2.265244 0.5666377 -0.9880882");
        assertBegins(noise.between(1, 0).values(), "-1.3046587 1.4507034");
    }

    @Test
    void noiseOfAnotherSizeLiesInTheMiddle() {
        FloatArray noise = new BatchNoise(seeds(Variation.NONE, new Size(48, 32), 0), 4, 64, 64).first();
        assertBegins(
                Arrays.copyOfRange(noise.values(), 16 * 64 + 8, 16 * 64 + 12), "1.926915 1.487284 0.9007172 -2.105521");
        assertBegins(noise.values(), "1.926915 1.487284 0.9007172");
    }

    @Test
    void aDeltaChangesAllNoiseButTheFirst() {
        BatchNoise noise = new BatchNoise(seeds(Variation.NONE, null, 1), 4, 64, 64);
        assertBegins(noise.first().values(), "1.9269153 1.4872841");
        assertThat(noise.between(1, 0).values())
                .containsExactly(NoiseSource.CPU.generator(43).next(LATENT));
    }

    private static void assertBegins(float[] noise, String expected) {
        String[] values = expected.split(" ");
        for (int i = 0; i < values.length; i++) {
            assertThat(noise[i]).as("element %d", i).isCloseTo(Float.parseFloat(values[i]), CLOSE);
        }
    }
}
