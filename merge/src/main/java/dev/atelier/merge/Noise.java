package dev.atelier.merge;

import java.util.List;

/** Random numbers added to a model. */
final class Noise {
    private static final Parameter<Double> ALPHA = Parameter.number("alpha", 0.01, "the standard deviation");

    static final List<MergeMethod> METHODS = List.of(MergeMethod.named("plus-random")
            .formula("A + alpha*N(0, 1), leaving out normalisations and output projections")
            .inputs("A")
            .multiplier(ALPHA)
            .parameters(RandomStream.SEED)
            .source("SuperMerger plus random, with a seed")
            .tensors((in, p) -> {
                double alpha = p.of(ALPHA);
                long seed = p.of(RandomStream.SEED);
                long key = RandomStream.key(in.key());
                return Averages.isLeftByItself(in) || alpha == 0
                        ? in.first()
                        : in.indexed((x, index) -> x[0] + alpha * normal(seed, key, index));
            }));

    private Noise() {}

    /** Box and Muller 1958. */
    private static double normal(long seed, long key, long index) {
        double radius = Math.sqrt(-2 * Math.log(1 - RandomStream.uniform(seed, key, 0, index)));
        return radius * Math.cos(2 * Math.PI * RandomStream.uniform(seed, key, 1, index));
    }
}
