package dev.atelier.merge;

import dev.atelier.checkpoint.Tensor;
import java.util.Optional;

/**
 * A tensor that both checkpoints have.
 *
 * @param similarity empty if the two have different shapes, or a type that has no numbers and other bytes
 */
public record TensorDifference(String name, Place place, Tensor a, Tensor b, Optional<Similarity> similarity) {
    public boolean identical() {
        return similarity.filter(Similarity::identical).isPresent();
    }

    public boolean sameShape() {
        return a.shape().equals(b.shape());
    }
}
