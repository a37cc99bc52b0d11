package dev.atelier.merge.rebasin;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The best order of neurons that stay in their blocks: first within every pair of blocks, then of the blocks themselves. */
final class BlockAssignment {
    private BlockAssignment() {}

    /**
     * @param scores of each kind of neurons, how much it is worth that a neuron (column) takes a place (row)
     * @return of each kind, which neuron takes each place; all kinds have their blocks in the same order
     */
    static List<int[]> best(List<float[][]> scores, int blocks) {
        int n = scores.getFirst().length;
        int size = n / blocks;
        int[][][] inside = new int[blocks * blocks][scores.size()][];
        float[][] worth = new float[blocks][blocks];
        IntStream.range(0, blocks * blocks).parallel().forEach(pair -> {
            int top = pair / blocks * size;
            int left = pair % blocks * size;
            for (int kind = 0; kind < scores.size(); kind++) {
                int[] order = Assignment.best(scores.get(kind), top, left, size);
                inside[pair][kind] = order;
                for (int i = 0; i < size; i++) {
                    worth[pair / blocks][pair % blocks] += scores.get(kind)[top + i][left + order[i]];
                }
            }
        });
        int[] blockOrder = Assignment.best(worth, 0, 0, blocks);
        List<int[]> orders = new ArrayList<>();
        for (int kind = 0; kind < scores.size(); kind++) {
            int[] order = new int[n];
            for (int i = 0; i < n; i++) {
                int block = i / size;
                order[i] = blockOrder[block] * size + inside[block * blocks + blockOrder[block]][kind][i % size];
            }
            orders.add(order);
        }
        return orders;
    }
}
