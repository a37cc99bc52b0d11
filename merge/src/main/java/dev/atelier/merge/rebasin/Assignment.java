package dev.atelier.merge.rebasin;

import java.util.Arrays;

/**
 * Which column each row takes, so that the sum of what they score is the largest (the linear assignment problem), by
 * shortest augmenting paths (Kuhn 1955, Munkres 1957; O(n³), but O(n²) where most rows like their own column best).
 */
final class Assignment {
    private Assignment() {}

    /**
     * Of the square of {@code n} rows whose upper left corner is at {@code top}, {@code left} of a matrix.
     *
     * @param width of the matrix
     * @return of each row, its column in the square
     */
    static int[] best(float[] scores, int width, int top, int left, int n) {
        // index 0 stands for "none"; rows and columns count from 1
        double[] rowPrice = new double[n + 1];
        double[] columnPrice = new double[n + 1];
        int[] rowOf = new int[n + 1];
        int[] before = new int[n + 1];
        for (int row = 1; row <= n; row++) {
            double[] distance = new double[n + 1];
            boolean[] isDone = new boolean[n + 1];
            Arrays.fill(distance, Double.POSITIVE_INFINITY);
            rowOf[0] = row;
            int column = 0;
            do {
                isDone[column] = true;
                int current = rowOf[column];
                int start = (top + current - 1) * width + left - 1;
                double shortest = Double.POSITIVE_INFINITY;
                int nearest = 0;
                for (int j = 1; j <= n; j++) {
                    if (!isDone[j]) {
                        double reduced = -scores[start + j] - rowPrice[current] - columnPrice[j];
                        if (reduced < distance[j]) {
                            distance[j] = reduced;
                            before[j] = column;
                        }
                        if (distance[j] < shortest) {
                            shortest = distance[j];
                            nearest = j;
                        }
                    }
                }
                for (int j = 0; j <= n; j++) {
                    if (isDone[j]) {
                        rowPrice[rowOf[j]] += shortest;
                        columnPrice[j] -= shortest;
                    } else {
                        distance[j] -= shortest;
                    }
                }
                column = nearest;
            } while (rowOf[column] != 0);
            for (int j = column; j != 0; j = before[j]) {
                rowOf[j] = rowOf[before[j]];
            }
        }
        int[] columnOf = new int[n];
        for (int j = 1; j <= n; j++) {
            columnOf[rowOf[j] - 1] = j - 1;
        }
        return columnOf;
    }
}
