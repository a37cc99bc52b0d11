package dev.atelier.training.shapes;

import dev.atelier.model.FloatArray;
import java.util.random.RandomGenerator;

/** A picture with its caption. */
public record Drawing(FloatArray picture, String caption) {
    /** A scene to train the whole model on, {@code [3, side, side]}. */
    public static Drawing of(int side, RandomGenerator random) {
        Scene scene = Scene.random(random);
        String caption = scene.caption(random);
        return new Drawing(draw(scene, side, random), caption);
    }

    /** The caption that {@link #of} would give, without drawing the picture. */
    public static String caption(RandomGenerator random) {
        return Scene.random(random).caption(random);
    }

    static FloatArray draw(Scene scene, int side, RandomGenerator random) {
        Canvas canvas = new Canvas(side, scene.background().rgb());
        canvas.draw(scene.figure(random));
        return canvas.picture();
    }

    /** Anything flat, to train the autoencoder on: scenes, and a few shapes in colours that have no name. */
    public static FloatArray doodle(int side, RandomGenerator random) {
        if (random.nextBoolean()) {
            // part of a scene twice as large
            return crop(draw(Scene.random(random), 2 * side, random), side, random.nextInt(side), random.nextInt(side));
        }
        Canvas canvas = new Canvas(side, anyColour(random));
        int figures = 1 + random.nextInt(5);
        for (int i = 0; i < figures; i++) {
            canvas.draw(new Figure(
                    Scene.pick(Scene.FORMS, random),
                    random.nextDouble(),
                    random.nextDouble(),
                    random.nextDouble(0.1, 0.6),
                    anyColour(random)));
        }
        return canvas.picture();
    }

    private static double[] anyColour(RandomGenerator random) {
        if (random.nextBoolean()) {
            return Scene.pick(Scene.HUES, random).rgb();
        }
        return new double[] {random.nextDouble(-1, 1), random.nextDouble(-1, 1), random.nextDouble(-1, 1)};
    }

    private static FloatArray crop(FloatArray picture, int side, int top, int left) {
        int whole = picture.size(2);
        float[] part = new float[3 * side * side];
        for (int channel = 0; channel < 3; channel++) {
            for (int row = 0; row < side; row++) {
                int from = (channel * whole + top + row) * whole + left;
                System.arraycopy(picture.values(), from, part, (channel * side + row) * side, side);
            }
        }
        return FloatArray.of(part, 3, side, side);
    }
}
