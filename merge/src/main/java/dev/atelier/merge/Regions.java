package dev.atelier.merge;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Tensor;
import java.util.List;

/** Parts of tensors taken from B as they are. */
final class Regions {
    private enum Variant {
        SUPERMERGER,
        MECHA
    }

    private static final Parameter<Double> WIDTH =
            Parameter.between("width", 0.5, -1, 1, "the share of rows taken from B; below 0, backwards (mecha only)");
    private static final Parameter<Double> OFFSET =
            Parameter.between("offset", 0, -1, 1, "where they start; below 0, from the end (mecha only)");
    private static final Parameter<Variant> VARIANT = Parameter.choice(
            "variant", Variant.SUPERMERGER, "supermerger truncates row numbers, mecha rounds them and wraps round");
    private static final Parameter<Long> AXIS = Parameter.whole("axis", 0, 0, "the axis that rows are counted along");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("tensor-region")
                    .formula("rows offset to offset + width of B, all other rows of A")
                    .inputs("A", "B")
                    .multiplier(WIDTH)
                    .parameters(OFFSET, VARIANT, AXIS)
                    .source("SuperMerger tensor and tensor2; meh tensor_sum; sd-mecha copy_region")
                    .tensors((in, p) -> tensorRegion(in, p.of(WIDTH), p.of(OFFSET), p.of(VARIANT), p.of(AXIS))),
            MergeMethod.named("top-k-region")
                    .formula("A, but where |A sorted| lies in a region of its sizes: A's values in the order of B's")
                    .inputs("A", "B")
                    .multiplier(WIDTH)
                    .parameters(OFFSET, VARIANT)
                    .source("meh top_k_tensor_sum; sd-mecha top_k_tensor_sum")
                    .tensors((in, p) -> {
                        Variant variant = p.of(VARIANT);
                        Region region = region(variant, in.elements(), p.of(WIDTH), p.of(OFFSET));
                        return in.after(() -> topK(in, region, variant), element -> element);
                    }));

    private Regions() {}

    private static Region region(Variant variant, long n, double width, double offset) {
        if (variant == Variant.MECHA) {
            return Region.wrapping(n, width, offset);
        }
        if (width < 0 || offset < 0) {
            throw new IllegalArgumentException("width and offset below 0 need variant=mecha");
        }
        return Region.truncating(n, width, offset);
    }

    private static Tensor tensorRegion(Operands in, double width, double offset, Variant variant, long wanted) {
        int rank = in.shape().rank();
        if (rank == 0) {
            return variant == Variant.MECHA && width > 0.5 ? in.tensors().get(1) : in.first();
        }
        int axis = (int) Math.min(wanted, rank - 1);
        long size = in.shape().size(axis);
        long inner = 1;
        for (int i = axis + 1; i < rank; i++) {
            inner *= in.shape().size(i);
        }
        long row = Math.max(1, inner);
        Region region = region(variant, size, width, offset);
        return in.indexed((x, index) -> region.contains(index / row % size) ? x[1] : x[0]);
    }

    /** Memory: 4 bytes per element, and as much again (8, if A is fp64) while they are sorted. */
    private static Operands.Indexed topK(Operands in, Region region, Variant variant) {
        double low = region.start() <= 0 ? -1 : sizeOfA(in, region.start() - 1);
        double high = region.end() <= 0 ? -1 : sizeOfA(in, region.end() - 1);
        int[] ranks = Order.ranks(in, (x, _) -> x[1]); // first, because it needs more room meanwhile
        Numbers sorted = in.load(0);
        sorted.sort();
        Operands.Indexed element = (x, index) -> {
            double value = sorted.get(ranks[(int) index]);
            boolean above = variant == Variant.MECHA ? low <= Math.abs(value) : low < Math.abs(value);
            return (above && Math.abs(value) <= high) != region.inverted() ? value : x[0];
        };
        return in.first().dtype() == DType.F64 ? element : Order.inPlaceOfRanks(in, ranks, element);
    }

    private static double sizeOfA(Operands in, long rank) {
        return OrderStatistic.of(in, rank, (x, _) -> Math.abs(x[0])).value();
    }
}
