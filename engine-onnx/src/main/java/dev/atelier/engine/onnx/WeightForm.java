package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Shape;

/** How a weight lies in memory. */
enum WeightForm {
    /** As the checkpoint has it. */
    STORED,

    /** Consecutive rows, as the checkpoint has them. */
    PART,

    /** {@code [channels]} as {@code [channels, 1, 1]}, to go with images. */
    PER_CHANNEL,

    /** A convolution's {@code [out, in, height, width]} as {@code [out, in · height · width]}. */
    MATRIX,

    /** A 3 × 3 convolution's {@code [out, in, 3, 3]} as {@link Winograd#FOUR_BY_FOUR} takes it. */
    WINOGRAD,

    /** The same as {@link Winograd#FOUR_BY_TWO} takes it. */
    WINOGRAD_NARROW;

    Shape of(Shape stored) {
        return switch (this) {
            case STORED, PART -> stored;
            case PER_CHANNEL -> Shape.of(stored.size(0), 1, 1);
            case MATRIX -> Shape.of(stored.size(0), stored.elements() / stored.size(0));
            case WINOGRAD -> Winograd.FOUR_BY_FOUR.shape(stored);
            case WINOGRAD_NARROW -> Winograd.FOUR_BY_TWO.shape(stored);
        };
    }
}
