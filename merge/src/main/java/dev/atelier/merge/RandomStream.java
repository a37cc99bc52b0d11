package dev.atelier.merge;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.BitSet;
import java.util.function.BiPredicate;

/** Where random masks come from: Atelier's own numbers, or those of a program whose results are to be repeated. */
enum RandomStream {
    /** A function of seed, name, model and index: the same whatever is merged along with it, and in any order. */
    ATELIER,
    /** One PyTorch generator per tensor, fp32 numbers: mergekit, sd-mecha. */
    TORCH,
    /** The same with fp64 numbers. */
    TORCH_DOUBLE,
    /** As TORCH, drawing what to drop instead of what to keep: MergeLM. */
    TORCH_DROP,
    /** One NumPy generator per tensor: sd-mecha's dropout. */
    NUMPY;

    static final Parameter<Long> SEED = Parameter.whole("seed", 0, Long.MIN_VALUE, "another seed, another mask");
    static final Parameter<RandomStream> RANDOM = Parameter.choice(
            "random",
            ATELIER,
            "which generator draws the mask; the others repeat what mergekit, sd-mecha, MergeLM draw");

    /** What is kept of each model. */
    @FunctionalInterface
    interface Mask {
        boolean keeps(int model, long index);
    }

    /** The probability that an element is kept. */
    @FunctionalInterface
    interface Chance {
        double of(int model, long index);
    }

    /** Masks for {@code models} models. Of the sequential generators they are drawn here and take a bit per element. */
    Mask mask(long seed, Operands in, int models, Chance chance) {
        return switch (this) {
            case ATELIER -> {
                long key = key(in.key());
                yield (model, index) -> uniform(seed, key, model, index) < chance.of(model, index);
            }
            case TORCH -> {
                TorchRandom random = new TorchRandom(seed);
                yield drawn(in.elements(), models, (model, index) -> random.single() < (float) chance.of(model, index));
            }
            case TORCH_DOUBLE -> {
                TorchRandom random = new TorchRandom(seed);
                yield drawn(in.elements(), models, (model, index) -> random.twofold() < chance.of(model, index));
            }
            case TORCH_DROP -> {
                TorchRandom random = new TorchRandom(seed);
                yield drawn(
                        in.elements(),
                        models,
                        (model, index) -> random.single() >= (float) (1 - chance.of(model, index)));
            }
            case NUMPY -> {
                NumpyRandom random = new NumpyRandom(seed);
                yield drawn(in.elements(), models, (model, index) -> random.trial(chance.of(model, index)));
            }
        };
    }

    private static Mask drawn(long elements, int models, BiPredicate<Integer, Long> draw) {
        BitSet[] kept = new BitSet[models];
        for (int model = 0; model < models; model++) {
            kept[model] = new BitSet(Math.toIntExact(elements));
            for (int i = 0; i < elements; i++) {
                kept[model].set(i, draw.test(model, (long) i));
            }
        }
        return (model, index) -> kept[model].get((int) index);
    }

    /** A uniform number of [0, 1). */
    static double uniform(long seed, long key, int stream, long index) {
        return (scrambled(scrambled(seed ^ scrambled(key ^ scrambled(stream))) + index) >>> 11) * 0x1p-53;
    }

    static long key(String name) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(hash).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every Java platform has SHA-256
        }
    }

    /** SplitMix64 (Steele, Lea and Flood 2014). */
    private static long scrambled(long word) {
        long z = word + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
