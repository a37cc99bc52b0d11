package dev.atelier.merge;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * The discrete Fourier transform, in place, along one axis at a time: Stockham's self-sorting algorithm for any length,
 * a factor at a time. Time grows with the sum of the prime factors; those of tensors' sizes are small.
 */
final class Fourier {
    /** Into so many pieces the lines of a tensor are divided, for as many cores as there are. */
    private static final int PIECES = 64;

    /** Longer transforms come alone: to keep their angles would take more memory than it saves time. */
    private static final int LONG = 1 << 16;

    private final int n;
    private final int sign;
    private final List<Stage> stages = new ArrayList<>();

    /** Splits interleaved transforms of {@code length} into {@code factor} shorter ones each. */
    private static final class Stage {
        private final int length;
        private final int factor;
        private final double[] cos;
        private final double[] sin;
        private final double[] turnCos;
        private final double[] turnSin;

        Stage(int length, int factor, int sign, boolean keepsAngles) {
            this.length = length;
            this.factor = factor;
            cos = new double[factor];
            sin = new double[factor];
            for (int i = 0; i < factor; i++) {
                cos[i] = Math.cos(2 * Math.PI * i / factor);
                sin[i] = sign * Math.sin(2 * Math.PI * i / factor);
            }
            turnCos = new double[keepsAngles ? length : 0];
            turnSin = new double[turnCos.length];
            for (int i = 0; i < turnCos.length; i++) {
                double angle = angle(i / factor, i % factor, sign);
                turnCos[i] = Math.cos(angle);
                turnSin[i] = Math.sin(angle);
            }
        }

        double angle(int k, int t, int sign) {
            return sign * 2 * Math.PI * ((double) k * t / length);
        }
    }

    private Fourier(int n, int sign) {
        this.n = n;
        this.sign = sign;
        int length = n;
        for (int factor : factors(n)) {
            stages.add(new Stage(length, factor, sign, n <= LONG));
            length /= factor;
        }
    }

    /**
     * Transforms vectors of {@code n} complex numbers that lie {@code inner} apart, all of them.
     *
     * @param sign -1 forwards, 1 backwards; backwards also divides by {@code n}
     */
    static void transform(float[] real, float[] imaginary, int n, int inner, int sign) {
        lines(real.length / n, n, sign, (line, numbers, transform) -> {
            int first = line / inner * n * inner + line % inner;
            for (int i = 0; i < n; i++) {
                numbers[0][i] = real[first + i * inner];
                numbers[1][i] = imaginary[first + i * inner];
            }
            double[][] result = transform.apply(numbers);
            for (int i = 0; i < n; i++) {
                real[first + i * inner] = (float) result[0][i];
                imaginary[first + i * inner] = (float) result[1][i];
            }
        });
    }

    /**
     * Transforms vectors of {@code n} real numbers, forwards. There are {@code n/2 + 1} frequencies that are not the mirror
     * image of another; as many of the numbers lie in {@code real}, the others in {@code imaginary}, {@code inner} apart.
     */
    static void ofReal(float[] real, float[] imaginary, int n, int inner) {
        int half = n / 2 + 1;
        lines(real.length / half, n, -1, (line, numbers, transform) -> {
            int first = line / inner * half * inner + line % inner;
            for (int i = 0; i < n; i++) {
                numbers[0][i] = i < half ? real[first + i * inner] : imaginary[first + (i - half) * inner];
                numbers[1][i] = 0;
            }
            double[][] result = transform.apply(numbers);
            for (int i = 0; i < half; i++) {
                real[first + i * inner] = (float) result[0][i];
                imaginary[first + i * inner] = (float) result[1][i];
            }
        });
    }

    /** Undoes {@link #ofReal}. */
    static void toReal(float[] real, float[] imaginary, int n, int inner) {
        int half = n / 2 + 1;
        lines(real.length / half, n, 1, (line, numbers, transform) -> {
            int first = line / inner * half * inner + line % inner;
            for (int i = 0; i < n; i++) {
                int at = first + Math.min(i, n - i) * inner;
                numbers[0][i] = real[at];
                numbers[1][i] = i < half ? imaginary[at] : -imaginary[at];
            }
            double[][] result = transform.apply(numbers);
            for (int i = 0; i < n; i++) {
                (i < half ? real : imaginary)[first + i % half * inner] = (float) result[0][i];
            }
        });
    }

    /** What is done with one line: fill in its numbers, transform them, take the result. */
    @FunctionalInterface
    private interface Line {
        void of(int line, double[][] numbers, UnaryOperator<double[][]> transform);
    }

    private static void lines(int lines, int n, int sign, Line work) {
        Fourier transform = new Fourier(n, sign);
        int pieces = Math.min(lines, PIECES);
        IntStream.range(0, pieces).parallel().forEach(piece -> {
            double[][] numbers = {new double[n], new double[n]};
            double[][] other = {new double[n], new double[n]};
            int end = (int) ((long) lines * (piece + 1) / pieces);
            for (int line = (int) ((long) lines * piece / pieces); line < end; line++) {
                work.of(line, numbers, filled -> transform.line(filled, other));
            }
        });
    }

    /** In one of the two. */
    private double[][] line(double[][] numbers, double[][] other) {
        double[][] current = numbers;
        double[][] next = other;
        for (Stage stage : stages) {
            run(stage, current, next);
            double[][] swapped = current;
            current = next;
            next = swapped;
        }
        if (sign > 0) {
            for (int i = 0; i < n; i++) {
                current[0][i] /= n;
                current[1][i] /= n;
            }
        }
        return current;
    }

    private void run(Stage stage, double[][] from, double[][] to) {
        int factor = stage.factor;
        int shorter = stage.length / factor;
        int stride = n / stage.length;
        boolean known = stage.turnCos.length > 0;
        double[] fromReal = from[0];
        double[] fromImaginary = from[1];
        for (int k = 0; k < shorter; k++) {
            for (int t = 0; t < factor; t++) {
                double angle = known ? 0 : stage.angle(k, t, sign);
                double turnCos = known ? stage.turnCos[k * factor + t] : Math.cos(angle);
                double turnSin = known ? stage.turnSin[k * factor + t] : Math.sin(angle);
                for (int q = 0; q < stride; q++) {
                    double real = 0;
                    double imaginary = 0;
                    int power = 0; // r * t modulo the factor
                    for (int r = 0; r < factor; r++) {
                        int at = q + stride * (k + shorter * r);
                        real += fromReal[at] * stage.cos[power] - fromImaginary[at] * stage.sin[power];
                        imaginary += fromReal[at] * stage.sin[power] + fromImaginary[at] * stage.cos[power];
                        power += t;
                        power -= power >= factor ? factor : 0;
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
