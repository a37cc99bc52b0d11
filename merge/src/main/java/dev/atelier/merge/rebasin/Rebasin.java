package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.rebasin.Symmetry.Neurons;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A model whose neurons stand in the order of another's, so that a merge of the two adds up what belongs together. It draws
 * the same pictures: only such neurons change places as may. Models that were tuned from a common one are in order already.
 *
 * @param checkpoint the model; its tensors are views
 * @param moved how many of its neurons stand elsewhere than before
 * @param neurons how many might
 */
public record Rebasin(Checkpoint checkpoint, int moved, int neurons) {

    /**
     * Finds the order, which reads both models and takes minutes for large ones. Symmetries whose tensors are missing or of another
     * shape in the reference are left alone.
     */
    public static Rebasin of(Checkpoint model, Checkpoint reference, Progress progress) {
        return of(
                model,
                reference,
                Symmetries.of(model).stream()
                        .filter(symmetry -> isShared(symmetry, model, reference))
                        .toList(),
                progress);
    }

    static Rebasin of(Checkpoint model, Checkpoint reference, List<Symmetry> symmetries, Progress progress) {
        WeightMatching matching = new WeightMatching(model, reference, symmetries);
        Map<Neurons, int[]> orders = matching.orders(progress);
        Checkpoint ordered = model.map((name, tensor) -> {
            Shape shape = tensor.shape();
            if (shape.rank() == 0) {
                return tensor;
            }
            int[] rows = matching.along(name, 0, Math.toIntExact(shape.size(0)));
            int[] columns = matching.along(name, 1, shape.rank() < 2 ? 1 : Math.toIntExact(shape.size(1)));
            return moved(rows) + moved(columns) == 0 ? tensor : new PermutedTensor(tensor, rows, columns);
        });
        return new Rebasin(
                ordered.withSourcesOf(reference),
                orders.values().stream().mapToInt(Rebasin::moved).sum(),
                orders.keySet().stream().mapToInt(Neurons::count).sum());
    }

    private static boolean isShared(Symmetry symmetry, Checkpoint model, Checkpoint reference) {
        return symmetry.tensors().stream()
                .allMatch(name -> reference
                        .find(name)
                        .map(Tensor::shape)
                        .filter(model.tensor(name).shape()::equals)
                        .isPresent());
    }

    private static int moved(int[] order) {
        return (int) IntStream.range(0, order.length).filter(i -> order[i] != i).count();
    }
}
