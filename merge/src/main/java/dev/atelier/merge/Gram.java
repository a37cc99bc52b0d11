package dev.atelier.merge;

/**
 * All dot products between vectors. Everything that depends on a few whole tensors only through lengths and angles can
 * be computed from it, in as many numbers as there are pairs of models, whatever the tensors' size.
 */
final class Gram {
    private final double[][] products;

    private Gram(double[][] products) {
        this.products = products;
    }

    /** Of the tensors themselves. */
    static Gram of(Operands in) {
        return of(in, -1);
    }

    /** Of the tensors' differences from the one at index {@code base}, whose own row is 0; -1 for no base. */
    static Gram of(Operands in, int base) {
        int n = in.count();
        double[][] products = new double[n][n];
        in.sweep((x, _) -> {
            double origin = base < 0 ? 0 : x[base];
            for (int i = 0; i < n; i++) {
                for (int j = 0; j <= i; j++) {
                    products[i][j] += (x[i] - origin) * (x[j] - origin);
                }
            }
        });
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                products[j][i] = products[i][j];
            }
        }
        return new Gram(products);
    }

    /** How many vectors there are. */
    int count() {
        return products.length;
    }

    double dot(int i, int j) {
        return products[i][j];
    }

    double norm(int i) {
        return Math.sqrt(products[i][i]);
    }

    /** The dot product of vector {@code i} with a combination of all. */
    double dot(int i, double[] combination) {
        double sum = 0;
        for (int j = 0; j < combination.length; j++) {
            sum += products[i][j] * combination[j];
        }
        return sum;
    }

    /** The norm of a combination of all vectors. */
    double norm(double[] combination) {
        double sum = 0;
        for (int i = 0; i < combination.length; i++) {
            sum += combination[i] * dot(i, combination);
        }
        return Math.sqrt(Math.max(0, sum));
    }
}
