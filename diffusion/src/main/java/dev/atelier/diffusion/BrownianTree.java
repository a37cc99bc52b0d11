package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;

/**
 * A path of Brownian motion that any two queries see alike (Li et al. 2020, "Scalable Gradients for Stochastic
 * Differential Equations", arXiv 2001.01328, section 4): the interval is halved again and again, and each half gets its
 * share of the increment of the whole and noise from a seed of its own. Seeds, rounding of times and fp32 are those of
 * torchsde's {@code BrownianTree} with a tolerance of 10⁻⁶.
 */
final class BrownianTree {
    private static final int DECIMALS = 6;

    private final NoiseSource source;
    private final long seed;
    private final Node root;

    /** The increment of the path from {@code start} to {@code end}. */
    private record Node(double start, double end, FloatArray increment, long key, int depth) {}

    /** @param shape of the values that move, each on its own path */
    BrownianTree(NoiseSource source, long seed, double start, double end, int... shape) {
        this.source = source;
        this.seed = seed;
        FloatArray noise = noise(new SeedSequence(seed), shape);
        root = new Node(round(start), round(end), Latents.scale(noise, (float) Math.sqrt(end - start)), 0, 0);
    }

    /** W(to) − W(from), for {@code from < to}; times outside the tree are moved to its ends. */
    FloatArray increment(double from, double to) {
        return plus(Latents.scale(root.increment, 0), clamp(from), clamp(to), root);
    }

    private double clamp(double time) {
        return round(Math.clamp(time, root.start, root.end));
    }

    /** {@code sum} and the increment of a part of a node. */
    private FloatArray plus(FloatArray sum, double from, double to, Node node) {
        if (from == node.start && to == node.end) {
            return Latents.plus(sum, 1, node.increment);
        }
        if (from >= to) {
            return sum;
        }
        double middle = round((node.start + node.end) / 2);
        FloatArray left = left(node, middle);
        FloatArray total = sum;
        if (from < middle) {
            Node half = new Node(node.start, middle, left, 2 * node.key, node.depth + 1);
            total = plus(total, from, Math.min(to, middle), half);
        }
        if (to > middle) {
            FloatArray right = Latents.plus(node.increment, -1, left);
            Node half = new Node(middle, node.end, right, 2 * node.key + 1, node.depth + 1);
            total = plus(total, Math.max(from, middle), to, half);
        }
        return total;
    }

    /** The increment up to {@code middle}: Brownian motion whose end is given, a Brownian bridge. */
    private FloatArray left(Node node, double middle) {
        float before = (float) (middle - node.start);
        float perLength = (float) (1 / (node.end - node.start));
        float deviation = (float) Math.sqrt((middle - node.start) * (node.end - middle) / (node.end - node.start));
        FloatArray noise = noise(new SeedSequence(seed, node.key, node.depth), node.increment.shape());
        return Latents.combine(node.increment, noise, (w, z) -> before * w * perLength + deviation * z);
    }

    private FloatArray noise(SeedSequence seeds, int[] shape) {
        int size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        return FloatArray.of(source.generator(seeds.words(1)[0]).next(size), shape);
    }

    private static double round(double time) {
        return new BigDecimal(time).setScale(DECIMALS, RoundingMode.HALF_EVEN).doubleValue();
    }
}
