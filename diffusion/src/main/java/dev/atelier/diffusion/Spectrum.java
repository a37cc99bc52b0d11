package dev.atelier.diffusion;

import java.util.function.IntToDoubleFunction;

/**
 * The Fourier transform of a plane with even sides, its middle being both the plane's origin and that of the frequencies.
 * Scaled so that there and back again is the same.
 */
final class Spectrum {
    private final int height;
    private final int width;
    private final double[] real;
    private final double[] imaginary;

    private Spectrum(int height, int width, double[] real, double[] imaginary) {
        this.height = height;
        this.width = width;
        this.real = real;
        this.imaginary = imaginary;
    }

    /** @param plane row by row */
    static Spectrum of(double[] plane, int height, int width) {
        Spectrum spectrum = new Spectrum(height, width, plane.clone(), new double[plane.length]);
        spectrum.transform(1);
        return spectrum;
    }

    double strength(int place) {
        return Math.hypot(real[place], imaginary[place]);
    }

    void scale(IntToDoubleFunction factors) {
        for (int i = 0; i < real.length; i++) {
            double factor = factors.applyAsDouble(i);
            real[i] *= factor;
            imaginary[i] *= factor;
        }
    }

    /** The real part of the plane that this is the transform of. */
    double[] inverse() {
        Spectrum plane = new Spectrum(height, width, real.clone(), imaginary.clone());
        plane.transform(-1);
        return plane.real;
    }

    private void transform(int sign) {
        Line row = new Line(sign, width);
        for (int y = 0; y < height; y++) {
            row.transform(real, imaginary, y * width, 1);
        }
        Line column = new Line(sign, height);
        for (int x = 0; x < width; x++) {
            column.transform(real, imaginary, x, width);
        }
    }

    /** The transform of so many numbers in a line. */
    private static final class Line {
        private final int count;
        private final double[] cosines;
        private final double[] sines;

        Line(int sign, int count) {
            this.count = count;
            this.cosines = new double[count];
            this.sines = new double[count];
            for (int i = 0; i < count; i++) {
                cosines[i] = Math.cos(2 * Math.PI * i / count);
                sines[i] = -sign * Math.sin(2 * Math.PI * i / count);
            }
        }

        void transform(double[] real, double[] imaginary, int first, int stride) {
            double[] re = new double[count];
            double[] im = new double[count];
            for (int i = 0; i < count; i++) { // the halves change places
                int from = first + (i + count / 2) % count * stride;
                re[i] = real[from];
                im[i] = imaginary[from];
            }
            double[][] transformed = transformed(re, im);
            double scale = 1 / Math.sqrt(count);
            for (int i = 0; i < count; i++) {
                int to = first + (i + count / 2) % count * stride;
                real[to] = transformed[0][i] * scale;
                imaginary[to] = transformed[1][i] * scale;
            }
        }

        /** Cooley and Tukey's, by halves as long as there are any. */
        private double[][] transformed(double[] re, double[] im) {
            int size = re.length;
            int parts = size % 2 == 0 ? 2 : size;
            int length = size / parts;
            double[] sumRe = new double[size];
            double[] sumIm = new double[size];
            for (int part = 0; part < parts; part++) {
                double[] partRe = new double[length];
                double[] partIm = new double[length];
                for (int i = 0; i < length; i++) {
                    partRe[i] = re[i * parts + part];
                    partIm[i] = im[i * parts + part];
                }
                double[][] inner = length == 1 ? new double[][] {partRe, partIm} : transformed(partRe, partIm);
                for (int i = 0; i < size; i++) {
                    int root = i * part % size * (count / size);
                    double ofRe = inner[0][i % length];
                    double ofIm = inner[1][i % length];
                    sumRe[i] += cosines[root] * ofRe - sines[root] * ofIm;
                    sumIm[i] += cosines[root] * ofIm + sines[root] * ofRe;
                }
            }
            return new double[][] {sumRe, sumIm};
        }
    }
}
