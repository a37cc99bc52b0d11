package dev.atelier.merge.rebasin;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.merge.Eigen;
import dev.atelier.merge.rebasin.Symmetry.Neurons;
import dev.atelier.merge.rebasin.Symmetry.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * A model whose attention weighs queries as much as keys, and values as much as what is made of them, in every direction within a head.
 * It draws the same pictures: with Q, K of a head as T·Q, T⁻¹·K the products of queries and keys stay what they are, and so do
 * values' with T·V, O·T⁻¹. T is the one symmetric positive matrix after which Q·Qᵀ = K·Kᵀ: the square root of the geometric mean of (Q·Qᵀ)⁻¹ and
 * K·Kᵀ. Biases count as a further column.
 */
public final class AttentionBalance {
    /** What is added to energies, so that weights of zero have some. */
    private static final double LEAST = 1e-6;

    private AttentionBalance() {}

    /** A view; what it multiplies by is computed when a tensor is first read. */
    public static Checkpoint of(Checkpoint model) {
        Map<String, List<HeadwiseTensor.Change>> changes = new HashMap<>();
        for (Symmetry symmetry : Symmetries.of(model)) {
            if (symmetry.kinds().size() == 2) { // as only attention has
                symmetry.kinds().forEach(kind -> add(model, kind, symmetry.blocks(), changes));
            }
        }
        return model.map(
                (name, tensor) -> changes.containsKey(name) ? new HeadwiseTensor(tensor, changes.get(name)) : tensor);
    }

    private static void add(
            Checkpoint model, Neurons kind, int heads, Map<String, List<HeadwiseTensor.Change>> changes) {
        int half = (kind.places().size() + 1) / 2;
        List<Place> one = kind.places().subList(0, half); // queries or values, with their bias if they have one
        List<Place> other = kind.places().subList(half, kind.places().size());
        Factors factors = new Factors(() -> factors(model, one, other, kind.count(), heads));
        for (Place place : kind.places()) {
            boolean isInverse = other.contains(place);
            changes.computeIfAbsent(place.tensor(), _ -> new ArrayList<>())
                    .add(new HeadwiseTensor.Change(
                            place, heads, kind.count() / heads, head -> factors.of(head, isInverse)));
        }
    }

    /** Of each head T and its inverse, computed once. */
    private static final class Factors {
        private final Supplier<DMatrixRMaj[][]> computation;
        private DMatrixRMaj[][] known = {};

        Factors(Supplier<DMatrixRMaj[][]> computation) {
            this.computation = computation;
        }

        synchronized DMatrixRMaj of(int head, boolean isInverse) {
            if (known.length == 0) {
                known = computation.get();
            }
            return known[head][isInverse ? 1 : 0];
        }
    }

    private static DMatrixRMaj[][] factors(Checkpoint model, List<Place> one, List<Place> other, int count, int heads) {
        DMatrixRMaj[] ofOne = energies(model, one, count, heads);
        DMatrixRMaj[] ofOther = energies(model, other, count, heads);
        DMatrixRMaj[][] factors = new DMatrixRMaj[heads][];
        for (int head = 0; head < heads; head++) {
            factors[head] = factors(ofOne[head], ofOther[head]);
        }
        return factors;
    }

    private static DMatrixRMaj[] factors(DMatrixRMaj one, DMatrixRMaj other) {
        Eigen eigen = Eigen.of(one);
        DMatrixRMaj root = eigen.map(value -> Math.sqrt(Math.max(LEAST, value)));
        DMatrixRMaj inverse = eigen.map(value -> 1 / Math.sqrt(Math.max(LEAST, value)));
        DMatrixRMaj middle = Eigen.of(product(root, other, root)).map(value -> Math.sqrt(Math.max(0, value)));
        Eigen mean = Eigen.of(product(inverse, middle, inverse));
        return new DMatrixRMaj[] {mean.map(Math::sqrt), mean.map(value -> 1 / Math.sqrt(value))};
    }

    private static DMatrixRMaj product(DMatrixRMaj a, DMatrixRMaj b, DMatrixRMaj c) {
        return CommonOps_DDRM.mult(CommonOps_DDRM.mult(a, b, null), c, null);
    }

    /** Of each head W·Wᵀ + {@link #LEAST}. */
    private static DMatrixRMaj[] energies(Checkpoint model, List<Place> places, int count, int heads) {
        int size = count / heads;
        DMatrixRMaj[] energies = new DMatrixRMaj[heads];
        for (int head = 0; head < heads; head++) {
            energies[head] = CommonOps_DDRM.identity(size);
            CommonOps_DDRM.scale(LEAST, energies[head]);
        }
        float[][] panel = new float[1][count];
        for (Place place : places) {
            Tensor tensor = model.tensor(place.tensor());
            int across = tensor.shape().rank() < 2 ? 1 : (int) tensor.shape().size(1 - place.axis());
            Slices slices = new Slices(tensor, place, WeightMatching.identity(count), WeightMatching.identity(across));
            for (int k = 0; k < slices.length(); k++) {
                slices.fill(panel, k);
                for (int i = 0; i < count; i++) {
                    DMatrixRMaj energy = energies[i / size];
                    for (int j = 0; j < size; j++) {
                        energy.data[i % size * size + j] += (double) panel[0][i] * panel[0][i / size * size + j];
                    }
                }
            }
        }
        return energies;
    }
}
