package dev.atelier.training.shapes;

/** Where in the picture a shape is. */
enum Place {
    CENTER(0, 0, ""),
    LEFT(-1, 0, "on the left"),
    RIGHT(1, 0, "on the right"),
    TOP(0, -1, "at the top"),
    BOTTOM(0, 1, "at the bottom");

    /** How far from the centre a shape has to be, where the picture's side is 1, to be anywhere else. */
    private static final double OFF_CENTER = 0.07;

    private final int x;
    private final int y;
    private final String words;

    Place(int x, int y, String words) {
        this.x = x;
        this.y = y;
        this.words = words;
    }

    /** -1 for left, 1 for right. */
    int x() {
        return x;
    }

    /** -1 for top, 1 for bottom. */
    int y() {
        return y;
    }

    /** As captions name it; empty for what goes without saying. */
    String words() {
        return words;
    }

    /** The place of a shape that is {@code dx} and {@code dy} away from the centre. */
    static Place of(double dx, double dy) {
        if (Math.max(Math.abs(dx), Math.abs(dy)) < OFF_CENTER) {
            return CENTER;
        }
        if (Math.abs(dx) > Math.abs(dy)) {
            return dx < 0 ? LEFT : RIGHT;
        }
        return dy < 0 ? TOP : BOTTOM;
    }
}
