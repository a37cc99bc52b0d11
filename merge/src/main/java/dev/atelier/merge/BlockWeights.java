package dev.atelier.merge;

import dev.atelier.checkpoint.Checkpoint;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** A multiplier for each block of a model. */
public record BlockWeights(Blocks blocks, List<Double> weights) implements Multipliers {
    public BlockWeights {
        weights = List.copyOf(weights);
        if (weights.size() != blocks.names().size()) {
            throw new IllegalArgumentException("%d block weights are needed, not %d"
                    .formatted(blocks.names().size(), weights.size()));
        }
    }

    /**
     * Reads a preset's name, or numbers separated by commas: 26 for Stable Diffusion 1 and 2; for XL 20, or 21 with the
     * VAE's at the end, or 26, of which it leaves out those of the blocks that it lacks.
     *
     * @throws IllegalArgumentException if that is neither, or not the number that the model needs
     */
    public static BlockWeights parse(String text, Checkpoint model) {
        List<Double> weights = text.contains(",") ? numbers(text) : BlockPresets.weights(text.strip());
        if (Blocks.of(model) == Blocks.SD) {
            return new BlockWeights(Blocks.SD, weights);
        }
        return switch (weights.size()) {
            case 21 -> new BlockWeights(Blocks.SDXL_MECHA, weights);
            case 26 -> new BlockWeights(Blocks.SDXL, forXl(weights));
            default -> new BlockWeights(Blocks.SDXL, weights);
        };
    }

    /** SuperMerger's rule: XL has the first nine input blocks, the middle and the first nine output blocks. */
    static List<Double> forXl(List<Double> weights) {
        return Stream.of(weights.subList(0, 10), weights.subList(13, 23))
                .flatMap(List::stream)
                .toList();
    }

    private static List<Double> numbers(String text) {
        return Arrays.stream(text.split(",", -1))
                .map(String::strip)
                .map(number -> {
                    try {
                        return Double.valueOf(number);
                    } catch (NumberFormatException e) {
                        throw new IllegalArgumentException(
                                "block weights: \"%s\" is not a number".formatted(number), e);
                    }
                })
                .toList();
    }

    @Override
    public OptionalDouble of(String name) {
        int block = blocks.names().indexOf(blocks.of(name));
        return block < 0 ? OptionalDouble.empty() : OptionalDouble.of(weights.get(block));
    }
}
