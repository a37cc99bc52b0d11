package dev.atelier.engine.torch;

import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Which tokens of n images go into which others, as {@link dev.atelier.model.Ops#onMergedTokens} says.
 *
 * @param firsts the tokens of the first pixels of each 2 × 2, d of them
 * @param others all other tokens, s of them
 * @param places where each token is in the sequence of {@code others} and {@code firsts}
 * @param kept which of {@code others} stay, {@code [n, s - r]}
 * @param merged which of {@code others} do not, {@code [n, r]}
 * @param into in which of {@code firsts} they end, {@code [n, r]}
 */
record TokenMerging(Tensor firsts, Tensor others, Tensor places, Tensor kept, Tensor merged, Tensor into) {

    static TokenMerging of(Tensor compared, int height, int width, double share) {
        int[] firstPlaces = IntStream.range(0, height * width)
                .filter(place -> isFirst(place / width, place % width, height, width))
                .toArray();
        int[] otherPlaces = IntStream.range(0, height * width)
                .filter(place -> !isFirst(place / width, place % width, height, width))
                .toArray();
        int[] places = new int[height * width];
        for (int i = 0; i < places.length; i++) {
            int place = i < otherPlaces.length ? otherPlaces[i] : firstPlaces[i - otherPlaces.length];
            places[place] = i;
        }
        Tensor firsts = Tensors.of(firstPlaces).to(compared.device(), torch.ScalarType.Long);
        Tensor others = Tensors.of(otherPlaces).to(compared.device(), torch.ScalarType.Long);
        Tensor directions = compared.div(compared.norm(new ScalarOptional(new Scalar(2)), new long[] {-1}, true));
        Tensor similarities = directions
                .index_select(1, others)
                .matmul(directions.index_select(1, firsts).transpose(1, 2));
        T_TensorTensor_T best = torch.max(similarities, 2, false);
        Tensor order = best.get0().argsort(-1, true);
        long fewer = Math.min(otherPlaces.length, (long) ((float) share * places.length));
        Tensor merged = order.narrow(1, 0, fewer);
        return new TokenMerging(
                firsts,
                others,
                Tensors.of(places).to(compared.device(), torch.ScalarType.Long),
                order.narrow(1, fewer, otherPlaces.length - fewer),
                merged,
                best.get1().gather(1, merged));
    }

    private static boolean isFirst(int row, int column, int height, int width) {
        return row % 2 == 0 && column % 2 == 0 && row + 1 < height && column + 1 < width;
    }

    /** {@code [n, s + d, width]} to {@code [n, s - r + d, width]} */
    Tensor apply(Tensor tokens) {
        Tensor other = tokens.index_select(1, others);
        Tensor first = tokens.index_select(1, firsts);
        Tensor sums = first.scatter_add(1, across(into, first), rows(other, merged));
        Tensor one = torch.ones_like(first.narrow(2, 0, 1));
        Tensor counts = one.scatter_add(1, across(into, one), torch.ones_like(across(into, one), one.options(), null));
        return torch.cat(new TensorVector(rows(other, kept), sums.div(counts)), 1);
    }

    /** {@code [n, s - r + d, width]} to {@code [n, s + d, width]}: what was merged gets what it was merged into. */
    Tensor undo(Tensor tokens) {
        Tensor stayed = tokens.narrow(1, 0, kept.size(1));
        Tensor first = tokens.narrow(1, kept.size(1), firsts.size(0));
        Tensor other = torch.cat(new TensorVector(stayed, rows(first, into)), 1);
        Tensor order = torch.cat(new TensorVector(kept, merged), 1);
        Tensor sorted = torch.empty_like(other).scatter(1, across(order, other), other);
        return torch.cat(new TensorVector(sorted, first), 1).index_select(1, places);
    }

    private static Tensor rows(Tensor tokens, Tensor index) {
        return tokens.gather(1, across(index, tokens));
    }

    /** {@code [n, k]} to {@code [n, k, width]} */
    private static Tensor across(Tensor index, Tensor tokens) {
        return index.unsqueeze(-1).expand(index.size(0), index.size(1), tokens.size(2));
    }
}
