package dev.atelier.engine.torch;

import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Moves weights by their gradients. All of its state is in the tensors of {@link #vectors} and {@link #others}: whoever
 * writes back what they held puts the optimiser back to where it was, bit for bit.
 */
sealed interface Optimizer extends AutoCloseable permits AdamW, AdamW8bit, Sgd, Lion, Adafactor, Prodigy {

    /** Must not be called within a pointer scope. */
    static Optimizer of(OptimizerSettings settings, Parameters parameters) {
        return switch (settings) {
            case OptimizerSettings.AdamW adamW -> new AdamW(adamW, parameters);
            case OptimizerSettings.AdamW8bit adamW -> new AdamW8bit(adamW.exact(), parameters);
            case OptimizerSettings.Sgd sgd -> new Sgd(sgd, parameters);
            case OptimizerSettings.Lion lion -> new Lion(lion, parameters);
            case OptimizerSettings.Adafactor adafactor -> new Adafactor(adafactor, parameters);
            case OptimizerSettings.Prodigy prodigy -> new Prodigy(prodigy, parameters);
        };
    }

    /**
     * Moves all weights. The gradients may be changed as well.
     *
     * @param rate the learning rate, before the factors of single weights
     * @param step how many steps there were before, plus 1
     */
    void step(double rate, int step);

    /** State that has one number for each of the weights': vectors as long as {@link Parameters#values}. */
    Map<String, Tensor> vectors();

    /** State of any other shape. */
    default Map<String, Tensor> others() {
        return Map.of();
    }

    @Override
    default void close() {
        vectors().values().forEach(Tensor::close);
        others().values().forEach(Tensor::close);
    }
}
