package dev.atelier.training.shapes;

import dev.atelier.model.FloatArray;

/** A picture being drawn, with smooth edges: a pixel on an edge takes the share of both colours that it covers. */
final class Canvas {
    private final int side;
    private final float[] pixels;

    Canvas(int side, double[] background) {
        this.side = side;
        this.pixels = new float[3 * side * side];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) background[i / (side * side)];
        }
    }

    void draw(Figure figure) {
        double margin = 1.2 * figure.radius() + 2.0 / side;
        int top = Math.max(0, (int) Math.floor((figure.y() - margin) * side));
        int bottom = Math.min(side, (int) Math.ceil((figure.y() + margin) * side));
        int left = Math.max(0, (int) Math.floor((figure.x() - margin) * side));
        int right = Math.min(side, (int) Math.ceil((figure.x() + margin) * side));
        for (int row = top; row < bottom; row++) {
            for (int column = left; column < right; column++) {
                double x = ((column + 0.5) / side - figure.x()) / figure.radius();
                double y = ((row + 0.5) / side - figure.y()) / figure.radius();
                double distance = figure.form().distance(x, y) * figure.radius() * side; // in pixels
                double cover = Math.clamp(0.5 - distance, 0, 1);
                for (int channel = 0; channel < 3; channel++) {
                    int at = (channel * side + row) * side + column;
                    pixels[at] += (float) (cover * (figure.rgb()[channel] - pixels[at]));
                }
            }
        }
    }

    /** {@code [3, side, side]} in [-1, 1]; the canvas itself, not a copy. */
    FloatArray picture() {
        return FloatArray.of(pixels, 3, side, side);
    }
}
