package dev.atelier.training.objective;

import java.util.Arrays;
import java.util.Random;
import java.util.random.RandomGenerator;

/** Which timesteps the pictures of a batch are noised to. */
public sealed interface TimestepChoice {
    /** The timesteps that all models have. */
    int TIMESTEPS = 1000;

    /** One for each of {@code n} pictures, in [0, 999]. */
    int[] draw(int n, RandomGenerator random);

    /** All from {@code from} to before {@code to} alike. */
    record Uniform(int from, int to) implements TimestepChoice {
        /** Any timestep. */
        public static final Uniform ALL = new Uniform(0, TIMESTEPS);

        public Uniform {
            checkRange(from, to);
        }

        @Override
        public int[] draw(int n, RandomGenerator random) {
            return random.ints(n, from, to).toArray();
        }
    }

    /** As {@link Uniform}, but spread over a batch: each picture has a share of the range to itself. The loss varies less. */
    record Stratified(int from, int to) implements TimestepChoice {
        public Stratified {
            checkRange(from, to);
        }

        @Override
        public int[] draw(int n, RandomGenerator random) {
            int[] timesteps = new int[n];
            for (int i = 0; i < n; i++) {
                timesteps[i] = from + (int) ((i + random.nextDouble()) * (to - from) / n);
            }
            Random shuffling = Random.from(random);
            for (int i = n - 1; i > 0; i--) {
                int j = shuffling.nextInt(i + 1);
                int swapped = timesteps[i];
                timesteps[i] = timesteps[j];
                timesteps[j] = swapped;
            }
            return timesteps;
        }
    }

    /**
     * Those from {@code from} to before {@code to} are {@code times} as likely as each of the others: diffusers'
     * {@code --timestep_bias_strategy}, whose {@code earlier} and {@code later} are a range at one end.
     */
    record Biased(int from, int to, double times) implements TimestepChoice {
        public Biased {
            checkRange(from, to);
            if (!(times > 0)) {
                throw new IllegalArgumentException(
                        "timesteps can be made more or less likely by a factor above 0, not " + times);
            }
        }

        /** How likely a timestep is. */
        double probability(int timestep) {
            double all = TIMESTEPS - (to - from) + (to - from) * times;
            return (timestep >= from && timestep < to ? times : 1) / all;
        }

        @Override
        public int[] draw(int n, RandomGenerator random) {
            double[] sums = new double[TIMESTEPS];
            double sum = 0;
            for (int t = 0; t < TIMESTEPS; t++) {
                sum += probability(t);
                sums[t] = sum;
            }
            double all = sum;
            return random.doubles(n)
                    .mapToInt(u -> {
                        int place = Arrays.binarySearch(sums, u * all);
                        return Math.min(place < 0 ? -place - 1 : place + 1, TIMESTEPS - 1);
                    })
                    .toArray();
        }
    }

    /**
     * The logistic function of a normal number, over the whole range: mostly the middle.
     *
     * @param mean above 0 for more noise
     */
    record LogitNormal(double mean, double deviation) implements TimestepChoice {
        @Override
        public int[] draw(int n, RandomGenerator random) {
            int[] timesteps = new int[n];
            for (int i = 0; i < n; i++) {
                double place = 1 / (1 + Math.exp(-(mean + deviation * random.nextGaussian())));
                timesteps[i] = Math.min((int) (place * TIMESTEPS), TIMESTEPS - 1);
            }
            return timesteps;
        }
    }

    private static void checkRange(int from, int to) {
        if (from < 0 || to > TIMESTEPS || from >= to) {
            throw new IllegalArgumentException(
                    "timesteps run from 0 to %d, and not from %d to before %d".formatted(TIMESTEPS - 1, from, to));
        }
    }
}
