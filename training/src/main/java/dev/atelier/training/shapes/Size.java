package dev.atelier.training.shapes;

/** How large a shape is. */
enum Size {
    SMALL(0.14, "small"),
    MEDIUM(0.23, ""),
    LARGE(0.34, "large");

    private final double radius;
    private final String word;

    Size(double radius, String word) {
        this.radius = radius;
        this.word = word;
    }

    /** Half the extent, where the picture's side is 1. */
    double radius() {
        return radius;
    }

    /** As captions name it; empty for what goes without saying. */
    String word() {
        return word;
    }

    /** The size that a shape of half extent {@code radius} has. */
    static Size of(double radius) {
        return radius < Math.sqrt(SMALL.radius * MEDIUM.radius)
                ? SMALL
                : radius < Math.sqrt(MEDIUM.radius * LARGE.radius) ? MEDIUM : LARGE;
    }
}
