package dev.atelier.merge;

import java.util.ArrayList;
import java.util.List;

/**
 * The discrete Fourier transform, in place, along one axis at a time: Stockham's self-sorting algorithm for any length,
 * a factor at a time. Time grows with the sum of the prime factors; those of tensors' sizes are small.
 */
final class Fourier {
    private Fourier() {}

    /**
     * Transforms vectors of {@code n} numbers that lie {@code inner} apart, all of them.
     *
     * @param sign -1 forwards, 1 backwards; backwards also divides by {@code n}
     */
    static void transform(double[] real, double[] imaginary, int n, int inner, int sign) {
        if (n < 2) {
            return;
        }
        double[][] from = {new double[n], new double[n]};
        double[][] to = {new double[n], new double[n]};
        int[] factors = factors(n);
        double scale = sign < 0 ? 1 : 1.0 / n;
        for (int block = 0; block < real.length; block += n * inner) {
            for (int offset = 0; offset < inner; offset++) {
                for (int i = 0; i < n; i++) {
                    from[0][i] = real[block + i * inner + offset];
                    from[1][i] = imaginary[block + i * inner + offset];
                }
                int length = n;
                for (int factor : factors) {
                    stage(from, to, length, n / length, factor, sign);
                    length /= factor;
                    double[][] swapped = from;
                    from = to;
                    to = swapped;
                }
                for (int i = 0; i < n; i++) {
                    real[block + i * inner + offset] = from[0][i] * scale;
                    imaginary[block + i * inner + offset] = from[1][i] * scale;
                }
            }
        }
    }

    /** Splits {@code stride} interleaved transforms of {@code length} into {@code factor} shorter ones each. */
    private static void stage(double[][] from, double[][] to, int length, int stride, int factor, int sign) {
        int shorter = length / factor;
        double[] cos = new double[factor];
        double[] sin = new double[factor];
        for (int i = 0; i < factor; i++) {
            cos[i] = Math.cos(2 * Math.PI * i / factor);
            sin[i] = sign * Math.sin(2 * Math.PI * i / factor);
        }
        for (int k = 0; k < shorter; k++) {
            for (int t = 0; t < factor; t++) {
                double angle = sign * 2 * Math.PI * ((double) k * t / length);
                double turnCos = Math.cos(angle);
                double turnSin = Math.sin(angle);
                for (int q = 0; q < stride; q++) {
                    double real = 0;
                    double imaginary = 0;
                    for (int r = 0; r < factor; r++) {
                        int at = q + stride * (k + shorter * r);
                        int power = (int) ((long) r * t % factor);
                        real += from[0][at] * cos[power] - from[1][at] * sin[power];
                        imaginary += from[0][at] * sin[power] + from[1][at] * cos[power];
                    }
                    int at = q + stride * (factor * k + t);
                    to[0][at] = real * turnCos - imaginary * turnSin;
                    to[1][at] = real * turnSin + imaginary * turnCos;
                }
            }
        }
    }

    private static int[] factors(int n) {
        List<Integer> factors = new ArrayList<>();
        int rest = n;
        for (int factor = 2; factor <= rest; factor++) {
            while (rest % factor == 0) {
                factors.add(factor);
                rest /= factor;
            }
        }
        return factors.stream().mapToInt(Integer::intValue).toArray();
    }
}
