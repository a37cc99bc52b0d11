package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A number for each block of a UNet, in the order in which a latent passes them: input blocks, the middle, output blocks, as the
 * original code counts them.
 *
 * @param values none, or one for each block
 * @param inputs how many input blocks there are
 */
record BlockValues(List<Double> values, int inputs) {
    private static final Pattern BLOCK =
            Pattern.compile("model\\.diffusion_model\\.(input_blocks|middle_block|output_blocks)\\.(\\d+)\\..*");

    /**
     * @param text numbers with commas between; empty for none
     * @param what they are, for messages
     * @throws IllegalArgumentException if there are more or fewer than {@code model} has blocks
     */
    static BlockValues of(String text, String what, Checkpoint model) {
        int inputs = model.tensors().keySet().stream()
                .map(BLOCK::matcher)
                .filter(block -> block.matches() && block.group(1).startsWith("input"))
                .mapToInt(block -> Integer.parseInt(block.group(2)) + 1)
                .max()
                .orElse(0);
        if (text.isBlank()) {
            return new BlockValues(List.of(), inputs);
        }
        try {
            List<Double> values = Stream.of(text.split(",", -1))
                    .map(String::strip)
                    .map(Double::valueOf)
                    .toList();
            if (values.size() == 2 * inputs + 1) {
                return new BlockValues(values, inputs);
            }
        } catch (NumberFormatException _) {
            // falls through to the message
        }
        throw new IllegalArgumentException(
                "--%s are %d numbers, for %d blocks on the way down, the middle, and %d on the way up: not %s"
                        .formatted(what, 2 * inputs + 1, inputs, inputs, text));
    }

    /** The number of the block that a tensor of the checkpoint is in; {@code otherwise} if it is in none. */
    double at(String tensor, double otherwise) {
        Matcher block = BLOCK.matcher(tensor);
        if (values.isEmpty() || !block.matches()) {
            return otherwise;
        }
        int number = Integer.parseInt(block.group(2));
        return values.get(
                switch (block.group(1)) {
                    case "input_blocks" -> number;
                    case "middle_block" -> inputs;
                    default -> inputs + 1 + number;
                });
    }
}
