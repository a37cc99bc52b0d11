package dev.atelier.engine.torch;

/**
 * Which optimiser moves the weights, and its constants. The learning rate is no part of them: it comes with every step.
 */
public sealed interface OptimizerSettings {
    /** AdamW as PyTorch has it. */
    OptimizerSettings DEFAULT = new AdamW(0.9, 0.999, 1e-8, 0.01);

    /**
     * Adam with decoupled weight decay (Loshchilov and Hutter 2019), step for step as {@code torch.optim.AdamW}.
     *
     * @param beta1 how much of the moving average of the gradients stays at each step
     * @param beta2 how much of the moving average of their squares stays
     * @param epsilon is added to the root of the latter
     * @param weightDecay how much a weight shrinks at each step, times the learning rate
     */
    record AdamW(double beta1, double beta2, double epsilon, double weightDecay) implements OptimizerSettings {}

    /**
     * AdamW whose two moving averages take 8 bits a weight (Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization"), as
     * bitsandbytes' {@code AdamW8bit}: blocks of 256 with their largest magnitude beside them; tensors of less than 4,096 elements
     * stay in fp32.
     */
    record AdamW8bit(AdamW exact) implements OptimizerSettings {}

    /**
     * Gradient descent, step for step as {@code torch.optim.SGD}.
     *
     * @param momentum how much of the last move is repeated; 0 for none
     * @param nesterov whether to look ahead along the momentum
     * @param weightDecay how much of a weight is added to its gradient
     */
    record Sgd(double momentum, boolean nesterov, double weightDecay) implements OptimizerSettings {
        /** kohya's {@code SGDNesterov}. */
        public static final Sgd DEFAULT = new Sgd(0.9, true, 0);
    }

    /**
     * Only the sign of each gradient counts (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"). Wants a
     * learning rate 3 to 10 times smaller than AdamW's, and as much more weight decay.
     *
     * @param beta1 how much the moving average counts against the gradient of this step
     * @param beta2 how much of the moving average stays
     * @param weightDecay how much a weight shrinks at each step, times the learning rate
     */
    record Lion(double beta1, double beta2, double weightDecay) implements OptimizerSettings {
        /** lion-pytorch's. */
        public static final Lion DEFAULT = new Lion(0.9, 0.99, 0);
    }

    /**
     * Keeps, for a matrix, only row and column means of the squared gradients (Shazeer and Stern 2018), step for step as
     * transformers' {@code Adafactor}.
     *
     * @param epsilonSquare is added to the squared gradients
     * @param epsilonScale the least size that {@code scaleParameter} takes a weight to have
     * @param clipThreshold updates are scaled down to this root mean square
     * @param decayRate the exponent of how fast old squared gradients are forgotten; negative
     * @param beta1 how much of the moving average of the updates stays; 0 keeps none
     * @param weightDecay how much a weight shrinks at each step, times the learning rate
     * @param scaleParameter whether a weight's root mean square is a factor of its learning rate
     * @param relativeStep whether the rate follows from the number of the step, and the one given is ignored
     * @param warmupInit whether that rate starts small; only with {@code relativeStep}
     */
    record Adafactor(
            double epsilonSquare,
            double epsilonScale,
            double clipThreshold,
            double decayRate,
            double beta1,
            double weightDecay,
            boolean scaleParameter,
            boolean relativeStep,
            boolean warmupInit)
            implements OptimizerSettings {
        /** transformers'. */
        public static final Adafactor DEFAULT = new Adafactor(1e-30, 1e-3, 1, -0.8, 0, 0, true, true, false);

        /** With a learning rate that is given, like those of the other optimisers. */
        public static final Adafactor FIXED = new Adafactor(1e-30, 1e-3, 1, -0.8, 0, 0, false, false, false);

        public Adafactor {
            if (warmupInit && !relativeStep) {
                throw new IllegalArgumentException("Adafactor: warmup_init needs relative_step");
            }
        }
    }

    /**
     * Adam that estimates the learning rate itself from how far the weights have moved (Mishchenko and Defazio 2023), step
     * for step as {@code prodigyopt}. The rate it is given is a factor of what it estimates, and should be about 1.
     *
     * @param beta1 how much of the moving average of the gradients stays at each step; above 0
     * @param beta2 how much of the moving average of their squares stays
     * @param beta3 how much of the sums behind the estimate stays; √{@code beta2} in the paper
     * @param epsilon is added to the root of the squares, times the estimate
     * @param weightDecay how much a weight shrinks at each step, times the learning rate
     * @param decoupled whether the decay is apart from the gradient, as in AdamW
     * @param biasCorrection whether moving averages are corrected for having started at 0, as Adam's are
     * @param safeguardWarmup whether a rate below 1 is left out of the estimate's denominator
     * @param initial the estimate to start from
     * @param coefficient a factor of the estimate
     * @param growthRate how many times larger the estimate may be than in the step before
     */
    record Prodigy(
            double beta1,
            double beta2,
            double beta3,
            double epsilon,
            double weightDecay,
            boolean decoupled,
            boolean biasCorrection,
            boolean safeguardWarmup,
            double initial,
            double coefficient,
            double growthRate)
            implements OptimizerSettings {
        /** prodigyopt's. */
        public static final Prodigy DEFAULT = new Prodigy(
                0.9, 0.999, Math.sqrt(0.999), 1e-8, 0, true, false, false, 1e-6, 1, Double.POSITIVE_INFINITY);
    }
}
