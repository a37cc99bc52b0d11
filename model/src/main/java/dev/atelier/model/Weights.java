package dev.atelier.model;

import dev.atelier.checkpoint.Shape;

/** The tensors of a checkpoint as an engine's values, by the checkpoint's names. */
public interface Weights<T> {
    /** @throws dev.atelier.checkpoint.InvalidCheckpointException if there is no tensor called {@code name} */
    T get(String name);

    /**
     * The shape of a layer's weight: {@code [out, in, k, k]} of a convolution, {@code [out, in]} of a linear layer.
     *
     * @param rank how many axes it must have
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if there is no tensor called {@code name}
     */
    Shape shape(String name, int rank);
}
