package dev.atelier.merge;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The presets that sdweb-merge-block-weighted-gui and SuperMerger ship: 26 weights each, as formulas in t, which runs
 * from 0 at IN00 to 1 at OUT11. The weight of BASE is 0 unless all are 1.
 */
public final class BlockPresets {
    private static final int LAST = 24;
    private static final Map<String, List<Double>> ALL = new LinkedHashMap<>();

    static {
        both("GRAD_V", "GRAD_A", t -> Math.abs(1 - 2 * t));
        slots("FLAT_25", 0.25, _ -> true);
        slots("FLAT_75", 0.75, _ -> true);
        slots("WRAP08", 1, i -> i < 4 || i > LAST - 4);
        slots("WRAP12", 1, i -> i < 6 || i > LAST - 6);
        slots("WRAP14", 1, i -> i < 7 || i > LAST - 7);
        slots("WRAP16", 1, i -> i < 8 || i > LAST - 8);
        slots("MID12_50", 0.5, i -> 5 <= i && i < 19);
        slots("OUT07", 1, i -> i >= 18);
        slots("OUT12", 1, i -> i >= 13);
        put("OUT12_5", 0, i -> i == 12 ? 0.5 : i >= 13 ? 1 : 0);
        put("RING08_SOFT", 0, i -> i == 5 || i == 9 || i == 15 || i == 19 ? 0.5 : isRing(i, 6, 8) ? 1 : 0);
        slots("RING08_5", 1, i -> isRing(i, 6, 9));
        slots("RING10_5", 1, i -> isRing(i, 5, 9));
        slots("RING10_3", 1, i -> isRing(i, 6, 10));
        both("SMOOTHSTEP", "REVERSE-SMOOTHSTEP", BlockPresets::smoothstep);
        for (int k = 2; k <= 4; k++) {
            int times = k;
            both("SMOOTHSTEP*" + k, "R_SMOOTHSTEP*" + k, t -> triangle(times * smoothstep(t)));
            both("SMOOTHSTEP/" + k, "R_SMOOTHSTEP/" + k, t -> smoothstep(triangle(times * t)));
        }
        both("COSINE", "REVERSE_COSINE", t -> (1 + Math.cos(Math.PI * t)) / 2);
        both(
                "TRUE_CUBIC_HERMITE",
                "TRUE_REVERSE_CUBIC_HERMITE",
                t -> t == 0 ? 0 : ((77.0 / 12 * t - 77.0 / 8) * t + 25.0 / 6) * t + 1.0 / 24);
        both("FAKE_CUBIC_HERMITE", "FAKE_REVERSE_CUBIC_HERMITE", t -> ((19.0 / 3 * t - 9.5) * t + 25.0 / 6) * t);
        slots("ALL_A", 0, _ -> true);
        put("ALL_B", 1, _ -> 1);
    }

    private BlockPresets() {}

    /** The presets' names. */
    public static List<String> names() {
        return List.copyOf(ALL.keySet());
    }

    /**
     * The 26 weights of a preset: BASE, IN00 to IN11, M00, OUT00 to OUT11.
     *
     * @throws IllegalArgumentException naming all presets if none is called {@code name}
     */
    public static List<Double> weights(String name) {
        List<Double> weights = ALL.get(name);
        if (weights == null) {
            throw new IllegalArgumentException("there is no preset of block weights \"%s\"; there are %s"
                    .formatted(name, String.join(", ", names())));
        }
        return weights;
    }

    private static void both(String name, String reversed, DoubleUnaryOperator formula) {
        put(name, 0, i -> formula.applyAsDouble((double) i / LAST));
        put(reversed, 0, i -> 1 - formula.applyAsDouble((double) i / LAST));
    }

    private static void slots(String name, double weight, IntPredicate chosen) {
        put(name, 0, i -> chosen.test(i) ? weight : 0);
    }

    private static void put(String name, double base, IntToDoubleFunction weight) {
        DoubleStream blocks = IntStream.rangeClosed(0, LAST).mapToDouble(weight);
        ALL.put(name, Stream.concat(Stream.of(base), blocks.boxed()).toList());
    }

    /** Two bands, one the mirror image of the other. */
    private static boolean isRing(int slot, int from, int to) {
        int mirrored = Math.min(slot, LAST - slot);
        return from <= mirrored && mirrored <= to;
    }

    private static double smoothstep(double t) {
        return t * t * (3 - 2 * t);
    }

    private static double triangle(double x) {
        return 1 - Math.abs(1 - x % 2);
    }
}
