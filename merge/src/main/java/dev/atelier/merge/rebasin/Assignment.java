package dev.atelier.merge.rebasin;

import java.util.Arrays;

/**
 * Which column each row takes, so that the sum of what they score is the largest (the linear assignment problem), after
 * Jonker and Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear assignment problems". O(n³), but
 * O(n²) where most rows like their own column best.
 */
final class Assignment {
    private static final int NONE = -1;

    private final float[][] scores;
    private final int top;
    private final int left;
    private final int n;
    private final double[] price;
    private final int[] rowOf;
    private final int[] columnOf;

    private Assignment(float[][] scores, int top, int left, int n) {
        this.scores = scores;
        this.top = top;
        this.left = left;
        this.n = n;
        this.price = new double[n];
        this.rowOf = new int[n];
        this.columnOf = new int[n];
        Arrays.fill(rowOf, NONE);
        Arrays.fill(columnOf, NONE);
    }

    /**
     * Of the square of {@code n} rows whose upper left corner is at {@code top}, {@code left} of a matrix.
     *
     * @return of each row, its column in the square
     */
    static int[] best(float[][] scores, int top, int left, int n) {
        Assignment assignment = new Assignment(scores, top, left, n);
        int[] free = assignment.reduceColumns();
        for (int round = 0; round < 2 && n > 1; round++) {
            free = assignment.reduceRows(free);
        }
        for (int row : free) {
            assignment.augment(row);
        }
        return assignment.columnOf;
    }

    /** Each column goes to the row that scores most in it, unless that has one; returns the rows without. */
    private int[] reduceColumns() {
        int[] cheapest = new int[n];
        Arrays.fill(price, Double.POSITIVE_INFINITY);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                if (-scores[top + i][left + j] < price[j]) {
                    price[j] = -scores[top + i][left + j];
                    cheapest[j] = i;
                }
            }
        }
        for (int j = n - 1; j >= 0; j--) {
            if (columnOf[cheapest[j]] == NONE) {
                assign(cheapest[j], j);
            }
        }
        int[] free = new int[n];
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (columnOf[i] == NONE) {
                free[count++] = i;
            }
        }
        return Arrays.copyOf(free, count);
    }

    private void assign(int row, int column) {
        columnOf[row] = column;
        rowOf[column] = row;
    }

    private double cost(int row, int column) {
        return -scores[top + row][left + column] - price[column];
    }

    /** Each free row takes its cheapest column, which becomes as dear as its second choice; returns the rows that lost theirs. */
    private int[] reduceRows(int[] rows) {
        int[] todo = rows.clone();
        int[] free = new int[n];
        int count = 0;
        int limit = 10 * n; // prices that rise by little only would take forever
        for (int k = 0; k < todo.length; ) {
            int row = todo[k++];
            int first = NONE;
            int second = NONE;
            double least = Double.POSITIVE_INFINITY;
            double next = Double.POSITIVE_INFINITY;
            for (int j = 0; j < n; j++) {
                double cost = cost(row, j);
                if (cost < least) {
                    next = least;
                    second = first;
                    least = cost;
                    first = j;
                } else if (cost < next) {
                    next = cost;
                    second = j;
                }
            }
            double raised = price[first] - (next - least);
            boolean isRaised = raised < price[first];
            int column = first;
            if (isRaised) {
                price[first] = raised;
            } else if (rowOf[first] != NONE) {
                column = second;
            }
            int loser = rowOf[column];
            assign(row, column);
            if (loser != NONE) {
                columnOf[loser] = NONE;
                if (isRaised && limit-- > 0) {
                    todo[--k] = loser;
                } else {
                    free[count++] = loser;
                }
            }
        }
        return Arrays.copyOf(free, count);
    }

    /** The shortest way from a free row to a free column, by Dijkstra's algorithm; rows along it change their columns. */
    private void augment(int free) {
        double[] distance = new double[n];
        int[] before = new int[n];
        int[] columns = WeightMatching.identity(n); // those reached last come last
        Arrays.fill(distance, Double.POSITIVE_INFINITY);
        int remaining = n;
        int row = free;
        double way = 0;
        int nearest;
        do {
            double shift = row == free ? 0 : way - cost(row, columnOf[row]);
            int at = 0;
            for (int k = 0; k < remaining; k++) {
                int j = columns[k];
                double through = cost(row, j) + shift;
                if (through < distance[j]) {
                    distance[j] = through;
                    before[j] = row;
                }
                at = distance[j] < distance[columns[at]] ? k : at;
            }
            nearest = columns[at];
            way = distance[nearest];
            columns[at] = columns[--remaining];
            columns[remaining] = nearest;
            row = rowOf[nearest];
        } while (row != NONE);
        for (int k = remaining + 1; k < n; k++) {
            price[columns[k]] += distance[columns[k]] - way;
        }
        int column = nearest;
        do {
            row = before[column];
            int given = columnOf[row];
            assign(row, column);
            column = given;
        } while (row != free);
    }
}
