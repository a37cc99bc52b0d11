package dev.atelier.merge;

/**
 * How two lists of numbers compare, element by element. Adding two of these compares the lists put together. Elements that
 * are NaN or infinite on either side are counted, and take no part in the sums.
 *
 * @param elements compared
 * @param changed elements that are not equal; NaN equals NaN
 * @param notFinite elements that are NaN or infinite in A or in B
 * @param dot Σ a·b
 * @param squaresA Σ a²
 * @param squaresB Σ b²
 * @param squaresOfChange Σ (b − a)²
 * @param largestChange max |b − a|
 */
public record Similarity(
        long elements,
        long changed,
        long notFinite,
        double dot,
        double squaresA,
        double squaresB,
        double squaresOfChange,
        double largestChange) {
    static final Similarity NONE = new Similarity(0, 0, 0, 0, 0, 0, 0, 0);

    public boolean identical() {
        return changed == 0;
    }

    /** The cosine of the angle between the two as vectors, 1 where they point the same way; NaN if one of them is zero. */
    public double cosine() {
        return identical() ? 1 : Math.clamp(dot / Math.sqrt(squaresA * squaresB), -1, 1);
    }

    /** ‖b − a‖ / ‖a‖: the size of the change next to what there was; infinite if a is zero and b is not. */
    public double relativeNorm() {
        return identical() ? 0 : Math.sqrt(squaresOfChange / squaresA);
    }

    Similarity plus(Similarity other) {
        return new Similarity(
                elements + other.elements,
                changed + other.changed,
                notFinite + other.notFinite,
                dot + other.dot,
                squaresA + other.squaresA,
                squaresB + other.squaresB,
                squaresOfChange + other.squaresOfChange,
                Math.max(largestChange, other.largestChange));
    }

    /** The comparison of the first {@code count} numbers of both. */
    static Similarity of(float[] a, float[] b, int count) {
        double dot = 0;
        double squaresA = 0;
        double squaresB = 0;
        double squaresOfChange = 0;
        double largest = 0;
        int changed = 0;
        for (int i = 0; i < count; i++) {
            double change = (double) b[i] - a[i];
            dot += (double) a[i] * b[i];
            squaresA += (double) a[i] * a[i];
            squaresB += (double) b[i] * b[i];
            squaresOfChange += change * change;
            largest = Math.max(largest, Math.abs(change));
            changed += a[i] != b[i] ? 1 : 0;
        }
        return Double.isFinite(dot + squaresA + squaresB + squaresOfChange)
                ? new Similarity(count, changed, 0, dot, squaresA, squaresB, squaresOfChange, largest)
                : ofFinite(a, b, count);
    }

    /** The same, leaving out what is not finite. */
    private static Similarity ofFinite(float[] a, float[] b, int count) {
        float[] finiteA = new float[count];
        float[] finiteB = new float[count];
        int finite = 0;
        int changed = 0;
        for (int i = 0; i < count; i++) {
            if (Float.isFinite(a[i]) && Float.isFinite(b[i])) {
                finiteA[finite] = a[i];
                finiteB[finite++] = b[i];
            } else if (Float.compare(a[i], b[i]) != 0) {
                changed++;
            }
        }
        Similarity rest = of(finiteA, finiteB, finite);
        return new Similarity(count, changed, count - finite, 0, 0, 0, 0, 0)
                .plus(new Similarity(
                        0,
                        rest.changed,
                        0,
                        rest.dot,
                        rest.squaresA,
                        rest.squaresB,
                        rest.squaresOfChange,
                        rest.largestChange));
    }
}
