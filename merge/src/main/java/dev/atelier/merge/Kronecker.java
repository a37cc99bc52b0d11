package dev.atelier.merge;

import dev.atelier.checkpoint.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.LongStream;

/** The Kronecker product W1 ⊗ W2 nearest to a tensor, W1 of m1 × n1 and W2 of m2 × n2 (× the taps of a convolution). */
final class Kronecker {
    private record Candidate(long m1, long n1, double sizeError, double squareness) {}

    private Kronecker() {}

    /** m1, m2, n1, n2: divisors whose factor sizes are nearest to the ratio, of those the squarest. */
    static List<Long> factors(Shape shape, double ratio) {
        long rows = shape.size(0);
        long columns = shape.size(1);
        double middle = log(shape.elements()) / 2;
        double target = (2 * ratio - 1) * Math.max(middle, Math.abs(log(rows * columns) - middle));
        List<Candidate> candidates = new ArrayList<>();
        for (long m1 : divisors(rows)) {
            for (long n1 : divisors(columns)) {
                double sizeError = Math.abs(log(m1 * n1) - middle - target);
                double squareness = Math.abs(log(m1) - log(rows / m1)) + Math.abs(log(n1) - log(columns / n1));
                candidates.add(new Candidate(m1, n1, sizeError, squareness));
            }
        }
        Candidate best = candidates.stream()
                .min(Comparator.comparingDouble(Candidate::sizeError).thenComparingDouble(Candidate::squareness))
                .orElseThrow();
        return List.of(best.m1, rows / best.m1, best.n1, columns / best.n1);
    }

    /**
     * Rearranged so that each block W1[i, j]·W2 is a row, the product is a matrix of rank 1. Memory: 4 bytes per element (8 if it is
     * fp64) while that is looked for.
     */
    static LowRank.Element nearest(Operands in, double ratio) {
        List<Long> factors = factors(in.shape(), ratio);
        int m2 = factors.get(1).intValue();
        int n1 = factors.get(2).intValue();
        int n2 = factors.get(3).intValue();
        int taps = (int) (in.elements() / (in.shape().size(0) * in.shape().size(1)));
        int within = m2 * n2 * taps;
        int blocks = (int) (in.elements() / within);
        IntUnaryOperator block = i -> i / taps / (n1 * n2) / m2 * n1 + i / taps % (n1 * n2) / n2;
        IntUnaryOperator place = i -> (i / taps / (n1 * n2) % m2 * n2 + i / taps % (n1 * n2) % n2) * taps + i % taps;
        Numbers rearranged = new Numbers(in.first().dtype(), in.elements());
        in.sweep((x, index) ->
                rearranged.set(block.applyAsInt((int) index) * within + place.applyAsInt((int) index), x[1] - x[0]));
        RankOne nearest = RankOne.of(rearranged, blocks, within);
        return index -> nearest.of(block.applyAsInt((int) index), place.applyAsInt((int) index));
    }

    private static double log(long number) {
        return Math.log((double) number);
    }

    private static List<Long> divisors(long number) {
        return LongStream.rangeClosed(1, number)
                .filter(divisor -> number % divisor == 0)
                .boxed()
                .toList();
    }
}
