package dev.atelier.engine.onnx;

import dev.atelier.model.FloatArray;
import java.util.List;
import java.util.stream.Stream;

/**
 * Which tokens of n images go into which others, as {@link dev.atelier.model.Ops#onMergedTokens} says, found while the
 * graph runs. Of N tokens, the d first ones of each 2 × 2 pixels stay, and r of the s others are merged into these.
 */
final class TokenMerging {
    private static final long FLOAT = 1;
    private static final long INT64 = 7;

    private final OnnxGraph graph;
    private final GraphValue firsts;
    private final GraphValue others;
    private final GraphValue order; // of each row's others: those that are merged, then those that stay
    private final GraphValue merged;
    private final GraphValue kept;
    private final GraphValue into;

    TokenMerging(OnnxGraph graph, GraphValue compared, GraphValue image, double share) {
        this.graph = graph;
        GraphValue count = size(compared, 1);
        GraphValue sides = node("Shape", List.of(image), Attribute.of("start", 2));
        GraphValue grid = node("Reshape", List.of(range(count), sides));
        GraphValue even = node("Mul", List.of(node("Div", List.of(sides, graph.constant(2))), graph.constant(2)));
        GraphValue first =
                node("Slice", List.of(grid, graph.constant(0, 0), even, graph.constant(0, 1), graph.constant(2, 2)));
        firsts = node("Reshape", List.of(first, graph.constant(-1)));
        GraphValue isOther =
                scatter(expand(graph.constant(1), count), firsts, expand(graph.constant(0), size(firsts, 0)), 0);
        others = node("Reshape", List.of(node("NonZero", List.of(isOther)), graph.constant(-1)));

        GraphValue length = node("ReduceL2", List.of(compared, graph.constant(-1)));
        GraphValue directions = node("Div", List.of(compared, length));
        GraphValue similarities = graph.microsoft(
                "FusedMatMul",
                List.of(select(directions, others), select(directions, firsts)),
                Attribute.of("transB", 1));
        GraphValue best = node("ReduceMax", List.of(similarities, graph.constant(2)), Attribute.of("keepdims", 0));
        GraphValue which = node("ArgMax", List.of(similarities), Attribute.of("axis", 2), Attribute.of("keepdims", 0));
        GraphValue total = size(others, 0);
        order = graph.onnx(2, "TopK", List.of(best, total), Attribute.of("axis", 1))
                .getLast();
        GraphValue asked = node(
                "Mul",
                List.of(
                        node("Cast", List.of(count), Attribute.of("to", FLOAT)),
                        graph.constant(FloatArray.of(new float[] {(float) share}, 1))));
        GraphValue fewer = node("Min", List.of(total, node("Cast", List.of(asked), Attribute.of("to", INT64))));
        merged = node("Slice", List.of(order, graph.constant(0), fewer, graph.constant(1)));
        kept = node("Slice", List.of(order, fewer, total, graph.constant(1)));
        into = node("GatherElements", List.of(which, merged), Attribute.of("axis", 1));
    }

    /** {@code [n, N, width]} to {@code [n, N - r, width]} */
    GraphValue apply(GraphValue tokens) {
        GraphValue other = select(tokens, others);
        GraphValue first = select(tokens, firsts);
        GraphValue leaving = rows(other, merged);
        GraphValue index = unsqueeze(into);
        GraphValue sums = add(first, expand(index, node("Shape", List.of(leaving))), leaving);
        GraphValue one = graph.constant(FloatArray.of(new float[] {1}, 1));
        GraphValue column = concat(0, size(tokens, 0), size(firsts, 0), graph.constant(1));
        GraphValue counts = add(expand(one, column), index, expand(one, node("Shape", List.of(index))));
        return concat(1, rows(other, kept), node("Div", List.of(sums, counts)));
    }

    /** {@code [n, N - r, width]} to {@code [n, N, width]}: what was merged gets what it was merged into. */
    GraphValue undo(GraphValue tokens) {
        GraphValue stayed = size(kept, 1);
        GraphValue rowsOfOthers = scatter(
                order,
                concat(1, kept, merged),
                concat(1, expand(range(stayed), node("Shape", List.of(kept))), node("Add", List.of(into, stayed))),
                1);
        GraphValue rowsOfFirsts = expand(
                node("Add", List.of(range(size(firsts, 0)), stayed)), concat(0, size(tokens, 0), size(firsts, 0)));
        GraphValue mixed = concat(0, others, firsts);
        GraphValue places = scatter(mixed, mixed, range(size(mixed, 0)), 0);
        return rows(tokens, select(concat(1, rowsOfOthers, rowsOfFirsts), places));
    }

    private GraphValue node(String operator, List<GraphValue> inputs, Attribute... attributes) {
        return graph.onnx(operator, inputs, attributes);
    }

    /** The size of an axis, {@code [1]}. */
    private GraphValue size(GraphValue x, int axis) {
        return node("Shape", List.of(x), Attribute.of("start", axis), Attribute.of("end", axis + 1));
    }

    /** 0, 1, … to before {@code count [1]}. */
    private GraphValue range(GraphValue count) {
        List<GraphValue> bounds = Stream.of(graph.constant(0), count, graph.constant(1))
                .map(bound -> node("Squeeze", List.of(bound)))
                .toList();
        return node("Range", bounds);
    }

    private GraphValue expand(GraphValue x, GraphValue shape) {
        return node("Expand", List.of(x, shape));
    }

    private GraphValue concat(int axis, GraphValue... parts) {
        return node("Concat", List.of(parts), Attribute.of("axis", axis));
    }

    private GraphValue unsqueeze(GraphValue index) {
        return node("Unsqueeze", List.of(index, graph.constant(2)));
    }

    /** The same tokens of all images. */
    private GraphValue select(GraphValue x, GraphValue index) {
        return node("Gather", List.of(x, index), Attribute.of("axis", 1));
    }

    /** Of each image its own tokens: {@code index [n, k]}. */
    private GraphValue rows(GraphValue tokens, GraphValue index) {
        return node("GatherND", List.of(tokens, unsqueeze(index)), Attribute.of("batch_dims", 1));
    }

    private GraphValue scatter(GraphValue x, GraphValue index, GraphValue values, int axis) {
        return node("ScatterElements", List.of(x, index, values), Attribute.of("axis", axis));
    }

    private GraphValue add(GraphValue x, GraphValue index, GraphValue values) {
        return node(
                "ScatterElements",
                List.of(x, index, values),
                Attribute.of("axis", 1),
                Attribute.of("reduction", "add"));
    }
}
