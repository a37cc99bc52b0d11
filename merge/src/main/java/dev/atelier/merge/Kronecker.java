package dev.atelier.merge;

import dev.atelier.checkpoint.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.LongStream;
import org.ejml.data.DMatrixRMaj;

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

    /** Rearranged so that each block W1[i, j]·W2 is a row, the product is a matrix of rank 1. */
    static double[] nearest(double[] values, Shape shape, double ratio) {
        if (shape.rank() < 2 || values.length == 0) {
            return values;
        }
        List<Long> factors = factors(shape, ratio);
        int m2 = factors.get(1).intValue();
        int n1 = factors.get(2).intValue();
        int n2 = factors.get(3).intValue();
        int taps = values.length / (int) (shape.size(0) * shape.size(1));
        int blocks = (int) (factors.get(0) * n1);
        DMatrixRMaj rearranged = new DMatrixRMaj(blocks, values.length / blocks);
        int[] places = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            int tap = i % taps;
            int column = i / taps % (n1 * n2);
            int row = i / taps / (n1 * n2);
            int block = row / m2 * n1 + column / n2;
            places[i] = (block * m2 * n2 + row % m2 * n2 + column % n2) * taps + tap;
            rearranged.data[places[i]] = values[i];
        }
        double[] nearest = LowRank.nearestOfRank(rearranged, 1).data;
        for (int i = 0; i < values.length; i++) {
            values[i] = nearest[places[i]];
        }
        return values;
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
