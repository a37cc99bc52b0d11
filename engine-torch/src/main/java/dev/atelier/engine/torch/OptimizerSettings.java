package dev.atelier.engine.torch;

/**
 * AdamW's constants.
 *
 * @param beta1 how much of the moving average of the gradients stays at each step
 * @param beta2 how much of the moving average of their squares stays
 * @param epsilon is added to the root of the latter
 * @param weightDecay how much a weight shrinks at each step, times the learning rate
 */
public record OptimizerSettings(double beta1, double beta2, double epsilon, double weightDecay) {
    /** PyTorch's. */
    public static final OptimizerSettings DEFAULT = new OptimizerSettings(0.9, 0.999, 1e-8, 0.01);
}
