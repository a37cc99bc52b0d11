package dev.atelier.merge;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * SuperMerger's "Adjust": how much detail a model draws, with how much contrast, how bright and in which colours, by changing
 * the UNet's first and last layers.
 */
public final class Adjustment {
    private static final String UNET = "model.diffusion_model.";

    /** What brightness and the three colours add to the latent's last three channels, in SD 1 and 2. */
    private static final double[][] COLOURS = {
        {-1, 1 / 3.0, 2 / 3.0}, {1, 1, 0}, {0, -1, -1}, {1, 0, 1},
    };

    private static final double[][] XL_COLOURS = {
        {0, 0, 1}, {1, 0, 0}, {-1, -1, 0}, {-1, 1, 0},
    };

    private static final int VALUES = 8;

    private Adjustment() {}

    @FunctionalInterface
    private interface Change {
        double of(double value, long index);
    }

    /**
     * A view; values of 0 change nothing.
     *
     * @param values up to eight: IN (less noise, less detail), OUT (the same at the end), OUT2 (contrast), CONT, BRI, and the colours
     *     COL1, COL2, COL3
     * @throws IllegalArgumentException if there are more, or one is not finite
     */
    public static Checkpoint of(Checkpoint model, List<Double> values) {
        if (values.size() > VALUES || !values.stream().allMatch(Double::isFinite)) {
            throw new IllegalArgumentException(
                    "adjust takes up to %d numbers: IN, OUT, OUT2, CONT, BRI, COL1, COL2, COL3".formatted(VALUES));
        }
        double[] f = new double[VALUES];
        for (int i = 0; i < values.size(); i++) {
            f[i] = values.get(i);
        }
        Map<String, Change> changes = new HashMap<>();
        changes.put(UNET + "input_blocks.0.0.weight", (x, _) -> x * (1 - 0.01 * f[0]));
        changes.put(UNET + "input_blocks.0.0.bias", (x, _) -> x * (1 + 0.02 * f[0]));
        changes.put(UNET + "out.0.weight", (x, _) -> x * (1 - 0.01 * f[1]));
        changes.put(UNET + "out.0.bias", (x, _) -> x * (1 + 0.02 * f[1]));
        changes.put(UNET + "out.2.weight", (x, _) -> x * (1 - 0.01 * f[2]));
        double[] shift = shift(f, model.has(UNET + "label_emb.0.0.weight") ? XL_COLOURS : COLOURS);
        changes.put(UNET + "out.2.bias", (x, channel) -> x + (channel < shift.length ? shift[(int) channel] : 0));
        return model.map((name, tensor) -> changes.containsKey(name) ? changed(tensor, changes.get(name)) : tensor);
    }

    private static double[] shift(double[] f, double[][] colours) {
        double[] shift = {0.02 * f[3], 0, 0, 0};
        for (int i = 0; i < colours.length; i++) {
            for (int channel = 0; channel < 3; channel++) {
                shift[1 + channel] += 0.02 * f[4 + i] * colours[i][channel];
            }
        }
        return shift;
    }

    private static Tensor changed(Tensor tensor, Change change) {
        return new ExactTensor(tensor.dtype(), tensor.shape()) {
            @Override
            protected void compute(long first, double[] target, int count) {
                tensor.read(first, target, count);
                for (int i = 0; i < count; i++) {
                    target[i] = change.of(target[i], first + i);
                }
            }
        };
    }
}
