package dev.atelier.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import dev.atelier.training.Examples;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class NoiseShapeTest {
    /** Random numbers that were written down. */
    private static final class Recorded implements RandomGenerator {
        private final JsonNode uniforms;
        private final JsonNode gaussians;
        private int uniform;
        private int gaussian;

        Recorded(JsonNode run) {
            this.uniforms = run.get("uniforms");
            this.gaussians = run.get("gaussians");
        }

        @Override
        public double nextDouble() {
            return uniforms.get(uniform++).doubleValue();
        }

        @Override
        public double nextGaussian() {
            return gaussians.get(gaussian++).doubleValue();
        }

        @Override
        public long nextLong() {
            throw new UnsupportedOperationException();
        }

        boolean isUsedUp() {
            return uniform == uniforms.size() && gaussian == gaussians.size();
        }
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).floatValue();
        }
        return values;
    }

    @Test
    void offsetsAndPyramidsAreKohyas() {
        JsonNode recorded = JsonMapper.shared()
                .readTree(Objects.requireNonNull(NoiseShapeTest.class.getResourceAsStream("noise.json")));
        assertThat(recorded.get("runs")).hasSize(5);
        for (JsonNode run : recorded.get("runs")) {
            NoiseShape shape = new NoiseShape(
                    run.path("offset").doubleValue(0),
                    false,
                    run.path("adaptive").doubleValue(0),
                    run.path("levels").intValue(0),
                    run.path("discount").doubleValue(0),
                    0,
                    false);
            Recorded random = new Recorded(run);
            NoiseShape.Noise noise = shape.draw(FloatArray.of(floats(run.get("latents")), 2, 4, 6, 5), random);
            float[] expected = floats(run.get("noise"));
            float[] actual = noise.asked().values();
            for (int i = 0; i < expected.length; i++) {
                assertThat(actual[i]).as(run.get("name").stringValue()).isCloseTo(expected[i], within(2e-6f));
            }
            assertThat(random.isUsedUp()).isTrue();
            assertThat(noise.mixed()).isSameAs(noise.asked());
        }
    }

    /** Counts how many random numbers each level takes. */
    private static final class Counting implements RandomGenerator {
        private final double ratio;
        private final List<Integer> counts = new ArrayList<>(List.of(0));

        Counting(double ratio) {
            this.ratio = ratio;
        }

        @Override
        public double nextDouble() {
            counts.add(0);
            return (ratio - 2) / 2;
        }

        @Override
        public double nextGaussian() {
            counts.set(counts.size() - 1, counts.getLast() + 1);
            return counts.getLast() % 3 - 1;
        }

        @Override
        public long nextLong() {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void levelsShrinkUntilASideIs1() {
        for (JsonNode row : Examples.of("pyramid_noise_levels").get("rows")) {
            int height = row.get("latent_hw").get(0).intValue();
            int width = row.get("latent_hw").get(1).intValue();
            Counting random = new Counting(row.get("r").doubleValue());
            new NoiseShape(0, false, 0, 6, 0.3, 0, false)
                    .draw(FloatArray.of(new float[height * width], 1, 1, height, width), random);
            List<Integer> expected = new ArrayList<>(List.of(height * width));
            row.get("sizes")
                    .forEach(size ->
                            expected.add(size.get(0).intValue() * size.get(1).intValue()));
            assertThat(random.counts).as(row.toString()).isEqualTo(expected);
        }
    }

    @Test
    void aPerturbationIsMixedInButNotAskedFor() {
        FloatArray latents = FloatArray.of(new float[4 * 64 * 64], 1, 4, 64, 64);
        NoiseShape.Noise noise = new NoiseShape(0, false, 0, 0, 0, 0.1, false).draw(latents, new SplittableRandom(1));
        NoiseShape.Noise plain = NoiseShape.PLAIN.draw(latents, new SplittableRandom(1));
        assertThat(noise.asked().values()).isEqualTo(plain.asked().values());
        double squares = 0;
        for (int i = 0; i < latents.values().length; i++) {
            squares += Math.pow(noise.mixed().values()[i] - noise.asked().values()[i], 2);
        }
        assertThat(Math.sqrt(squares / latents.values().length)).isCloseTo(0.1, within(0.003));
    }

    @Test
    void aRandomStrengthIsBelowTheFullOne() {
        FloatArray latents = FloatArray.of(new float[4 * 2 * 2], 1, 4, 2, 2);
        Recorded full = new Recorded(JsonMapper.shared()
                .readTree("{\"uniforms\":[],\"gaussians\":" + "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}"));
        Recorded half = new Recorded(JsonMapper.shared()
                .readTree("{\"uniforms\":[0.5],\"gaussians\":" + "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}"));
        assertThat(new NoiseShape(0.1, false, 0, 0, 0, 0, false)
                        .draw(latents, full)
                        .asked()
                        .values())
                .containsOnly(1.1f);
        assertThat(new NoiseShape(0.1, true, 0, 0, 0, 0, false)
                        .draw(latents, half)
                        .asked()
                        .values())
                .containsOnly(1.05f);
    }
}
