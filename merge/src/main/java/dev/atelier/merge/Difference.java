package dev.atelier.merge;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Sweep;
import dev.atelier.checkpoint.Sweep.Range;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * How two checkpoints differ. Both are read once, in parallel and in constant memory.
 *
 * @param tensors those that both have, in the order of A
 * @param onlyA names of tensors that B lacks
 * @param onlyB names of tensors that A lacks
 */
public record Difference(List<TensorDifference> tensors, List<String> onlyA, List<String> onlyB) {

    /**
     * Tensors taken together.
     *
     * @param tensors how many
     * @param identical how many of them are the same in A and B
     * @param similarity of those that can be compared and are not integers, whose counters and indices would outweigh
     *     all weights
     */
    public record Group(int tensors, int identical, Similarity similarity) {}

    /**
     * Compares two checkpoints, of the same layout or not: tensors are matched by the names of the single-file layout.
     *
     * @throws java.io.UncheckedIOException if a file changes meanwhile
     */
    public static Difference of(Checkpoint first, Checkpoint second, Progress progress) {
        Checkpoint a = Layout.normalize(first);
        Checkpoint b = Layout.normalize(second);
        List<FileStamp> stamps = Stream.concat(a.sources().stream(), b.sources().stream())
                .map(FileStamp::of)
                .toList();
        List<String> comparable = a.tensors().entrySet().stream()
                .filter(named -> b.find(named.getKey())
                        .filter(other -> isComparable(named.getValue(), other))
                        .isPresent())
                .map(Map.Entry::getKey)
                .toList();
        Map<String, Similarity> similarities = compare(
                comparable,
                comparable.stream().map(a::tensor).toList(),
                comparable.stream().map(b::tensor).toList(),
                progress);
        stamps.forEach(FileStamp::requireUnchanged);
        Blocks blocks = Blocks.of(a);
        List<TensorDifference> tensors = a.tensors().entrySet().stream()
                .filter(named -> b.has(named.getKey()))
                .map(named -> new TensorDifference(
                        named.getKey(),
                        Place.of(named.getKey(), blocks),
                        named.getValue(),
                        b.tensor(named.getKey()),
                        Optional.ofNullable(similarities.get(named.getKey()))
                                .or(() -> sameOpaque(named.getValue(), b.tensor(named.getKey())))))
                .toList();
        return new Difference(
                tensors,
                a.tensors().keySet().stream().filter(name -> !b.has(name)).toList(),
                b.tensors().keySet().stream().filter(name -> !a.has(name)).toList());
    }

    /** Whether all tensors are there and equal in both. */
    public boolean identical() {
        return onlyA.isEmpty() && onlyB.isEmpty() && tensors.stream().allMatch(TensorDifference::identical);
    }

    /** The tensors grouped by any of their features, in the order in which the groups first occur. */
    public <K> SequencedMap<K, Group> by(Function<TensorDifference, K> feature) {
        SequencedMap<K, Group> groups = new LinkedHashMap<>();
        for (TensorDifference tensor : tensors) {
            Group one = new Group(
                    1,
                    tensor.identical() ? 1 : 0,
                    tensor.similarity()
                            .filter(_ -> tensor.a().dtype().isFloating())
                            .orElse(Similarity.NONE));
            groups.merge(
                    feature.apply(tensor),
                    one,
                    (x, y) -> new Group(
                            x.tensors + y.tensors, x.identical + y.identical, x.similarity.plus(y.similarity)));
        }
        return groups;
    }

    private static boolean isComparable(Tensor a, Tensor b) {
        return a.shape().equals(b.shape()) && a.dtype().isNumeric() && b.dtype().isNumeric();
    }

    /** Types without numbers can be equal, and no more can be said. */
    private static Optional<Similarity> sameOpaque(Tensor a, Tensor b) {
        boolean same = a.shape().equals(b.shape())
                && a.dtype() == b.dtype()
                && a.mapped()
                        .flatMap(x -> b.mapped().map(y -> x.mismatch(y) == -1))
                        .orElse(false);
        return same ? Optional.of(Similarity.NONE) : Optional.empty();
    }

    private static Map<String, Similarity> compare(
            List<String> names, List<Tensor> as, List<Tensor> bs, Progress progress) {
        List<Range> ranges = Sweep.ranges(as);
        Similarity[] results = new Similarity[ranges.size()];
        Sweep.over(
                ranges,
                () -> range -> results[range.index()] = compare(as.get(range.tensor()), bs.get(range.tensor()), range),
                progress);
        List<Similarity> sums = new ArrayList<>(java.util.Collections.nCopies(names.size(), Similarity.NONE));
        for (Range range : ranges) {
            sums.set(range.tensor(), sums.get(range.tensor()).plus(results[range.index()]));
        }
        Map<String, Similarity> named = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            named.put(names.get(i), sums.get(i));
        }
        return named;
    }

    private static Similarity compare(Tensor a, Tensor b, Range range) {
        long first = range.offset() * 8 / a.dtype().bits();
        long count = range.length() * 8L / a.dtype().bits();
        boolean same = sameBytes(a, b, range);
        Similarity sum = Similarity.NONE;
        try (Scratch x = Scratch.borrow();
                Scratch y = Scratch.borrow()) {
            for (long done = 0; done < count; done += Scratch.SIZE) {
                int block = (int) Math.min(Scratch.SIZE, count - done);
                a.read(first + done, x.floats(), block);
                if (!same) {
                    b.read(first + done, y.floats(), block);
                }
                sum = sum.plus(Similarity.of(x.floats(), same ? x.floats() : y.floats(), block));
            }
        }
        return sum;
    }

    private static boolean sameBytes(Tensor a, Tensor b, Range range) {
        Optional<MemorySegment> x = a.mapped();
        Optional<MemorySegment> y = b.mapped();
        return a.dtype() == b.dtype()
                && x.isPresent()
                && y.isPresent()
                && MemorySegment.mismatch(
                                x.get(),
                                range.offset(),
                                range.offset() + range.length(),
                                y.get(),
                                range.offset(),
                                range.offset() + range.length())
                        == -1;
    }
}
