package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;

/**
 * The noise of a batch, draw after draw. Every picture has a generator of its own, so that it is the same as the single
 * picture of its seed. What the samplers draw continues what the batch started from.
 */
final class BatchNoise implements StepNoise {
    // closer vectors are taken for parallel, which AUTOMATIC1111 mixes linearly (and the wrong way round)
    private static final double PARALLEL = 0.9995;

    private final BatchSeeds seeds;
    private final int channels;
    private final int height;
    private final int width;
    private final List<NoiseGenerator> generators = new ArrayList<>();

    /** @param shape {@code [channels, height, width]} of each picture's latent */
    BatchNoise(BatchSeeds seeds, int... shape) {
        this.seeds = seeds;
        this.channels = shape[0];
        this.height = shape[1];
        this.width = shape[2];
        for (long seed : seeds.seeds()) {
            generators.add(seeds.source().generator(seed));
        }
    }

    /** What the batch starts from, unit normal: the first draw. */
    FloatArray first() {
        List<FloatArray> pictures = new ArrayList<>();
        for (int i = 0; i < seeds.count(); i++) {
            pictures.add(first(i));
        }
        if (seeds.delta() != 0) {
            for (int i = 0; i < seeds.count(); i++) {
                generators.set(i, seeds.source().generator(seeds.seeds().get(i) + seeds.delta()));
            }
        }
        return Latents.stack(pictures.toArray(FloatArray[]::new));
    }

    private FloatArray first(int picture) {
        Size from = seeds.resizedFrom();
        Variation variation = seeds.variation();
        Size size = from != null ? from : new Size(width, height);
        FloatArray noise = from != null
                ? draw(seeds.source().generator(seeds.seeds().get(picture)), size)
                : draw(generators.get(picture), size);
        if (!variation.isNone()) {
            FloatArray other = draw(seeds.source().generator(variation.seed() + picture), size);
            noise = mix(noise, other, (float) variation.strength());
        }
        return from != null ? pastedInto(draw(generators.get(picture), new Size(width, height)), noise) : noise;
    }

    private FloatArray draw(NoiseGenerator generator, Size size) {
        float[] values = generator.next(channels * size.height() * size.width());
        return FloatArray.of(values, 1, channels, size.height(), size.width());
    }

    /** From {@code a} to {@code b} along a great circle, for each column of each channel on its own. */
    private static FloatArray mix(FloatArray a, FloatArray b, float strength) {
        int rows = a.size(2);
        int columns = a.size(3);
        int vectors = a.size(1) * columns;
        float[] cosines = new float[vectors];
        double sum = 0;
        for (int vector = 0; vector < vectors; vector++) {
            double aa = 0;
            double bb = 0;
            double ab = 0;
            for (int row = 0; row < rows; row++) {
                int i = at(vector, row, rows, columns);
                aa += (double) a.values()[i] * a.values()[i];
                bb += (double) b.values()[i] * b.values()[i];
                ab += (double) a.values()[i] * b.values()[i];
            }
            cosines[vector] = (float) (ab / Math.sqrt(aa * bb));
            sum += cosines[vector];
        }
        if (sum / vectors > PARALLEL) {
            return Latents.weighted(strength, a, 1 - strength, b);
        }
        float[] values = new float[a.values().length];
        for (int vector = 0; vector < vectors; vector++) {
            double angle = Math.acos(cosines[vector]);
            float p = (float) (Math.sin((1 - strength) * angle) / Math.sin(angle));
            float q = (float) (Math.sin(strength * angle) / Math.sin(angle));
            for (int row = 0; row < rows; row++) {
                int i = at(vector, row, rows, columns);
                values[i] = p * a.values()[i] + q * b.values()[i];
            }
        }
        return FloatArray.of(values, a.shape());
    }

    private static int at(int vector, int row, int rows, int columns) {
        return (vector / columns * rows + row) * columns + vector % columns;
    }

    /** The middle of one over the middle of the other, whichever is larger. */
    private FloatArray pastedInto(FloatArray canvas, FloatArray noise) {
        int dx = Math.floorDiv(width - noise.size(3), 2);
        int dy = Math.floorDiv(height - noise.size(2), 2);
        int w = dx >= 0 ? noise.size(3) : noise.size(3) + 2 * dx;
        int h = dy >= 0 ? noise.size(2) : noise.size(2) + 2 * dy;
        for (int channel = 0; channel < channels; channel++) {
            for (int row = 0; row < h; row++) {
                int from = (channel * noise.size(2) + row + Math.max(-dy, 0)) * noise.size(3) + Math.max(-dx, 0);
                int to = (channel * height + row + Math.max(dy, 0)) * width + Math.max(dx, 0);
                System.arraycopy(noise.values(), from, canvas.values(), to, w);
            }
        }
        return canvas;
    }

    /** The next draw of every picture, unit normal. */
    @Override
    public FloatArray between(float sigma, float next) {
        Size size = new Size(width, height);
        return Latents.stack(
                generators.stream().map(generator -> draw(generator, size)).toArray(FloatArray[]::new));
    }
}
