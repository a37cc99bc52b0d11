package dev.atelier.training.shapes;

import java.util.Locale;

/** A shape to draw, of about the same extent as the circle of radius 1. */
enum Form {
    CIRCLE {
        @Override
        double distance(double x, double y) {
            return Math.hypot(x, y) - 1;
        }
    },
    SQUARE {
        @Override
        double distance(double x, double y) {
            double dx = Math.abs(x) - 0.9;
            double dy = Math.abs(y) - 0.9;
            return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0);
        }
    },
    TRIANGLE {
        @Override
        double distance(double x, double y) {
            return toPolygon(TRIANGLE_CORNERS, x, y);
        }
    },
    STAR {
        @Override
        double distance(double x, double y) {
            return toPolygon(STAR_CORNERS, x, y);
        }
    };

    private static final double[][] TRIANGLE_CORNERS = {{0, -0.9}, {1.04, 0.9}, {-1.04, 0.9}};
    private static final double[][] STAR_CORNERS = star();

    /** The distance of a point from the edge, negative inside; y points down. */
    abstract double distance(double x, double y);

    /** As captions name it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static double[][] star() {
        double[][] corners = new double[10][];
        for (int i = 0; i < corners.length; i++) {
            double radius = i % 2 == 0 ? 1.08 : 0.46;
            double angle = Math.PI * i / 5;
            corners[i] = new double[] {radius * Math.sin(angle), 0.07 - radius * Math.cos(angle)};
        }
        return corners;
    }

    /** The distance to the nearest side; inside is where a ray crosses the sides an odd number of times. */
    private static double toPolygon(double[][] corners, double x, double y) {
        double nearest = Double.MAX_VALUE;
        boolean inside = false;
        for (int i = 0; i < corners.length; i++) {
            double[] a = corners[i];
            double[] b = corners[(i + 1) % corners.length];
            double sideX = b[0] - a[0];
            double sideY = b[1] - a[1];
            double t = ((x - a[0]) * sideX + (y - a[1]) * sideY) / (sideX * sideX + sideY * sideY);
            t = Math.clamp(t, 0, 1);
            nearest = Math.min(nearest, Math.hypot(x - a[0] - t * sideX, y - a[1] - t * sideY));
            if (a[1] > y != b[1] > y && x < sideX * (y - a[1]) / sideY + a[0]) {
                inside = !inside;
            }
        }
        return inside ? -nearest : nearest;
    }
}
