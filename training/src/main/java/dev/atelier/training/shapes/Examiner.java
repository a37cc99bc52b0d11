package dev.atelier.training.shapes;

import dev.atelier.model.FloatArray;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.DoubleStream;

/** Looks at a picture and says what of a scene it shows. */
public final class Examiner {
    /** What can be right or wrong about a picture. */
    public enum Attribute {
        BACKGROUND,
        COLOUR,
        FORM,
        SIZE,
        PLACE
    }

    private final FloatArray picture;
    private final int side;
    private final double[] background;
    private final boolean[] covered;
    private int left = Integer.MAX_VALUE;
    private int right = -1;
    private int top = Integer.MAX_VALUE;
    private int bottom = -1;

    private Examiner(FloatArray picture) {
        this.picture = picture;
        this.side = picture.size(2);
        this.background = median((row, column) ->
                Math.min(Math.min(row, side - 1 - row), Math.min(column, side - 1 - column)) < side / 32);
        this.covered = new boolean[side * side];
        cover();
    }

    /** The attributes that a caption of {@code scene} names: size and place only where they are not the usual ones. */
    public static Set<Attribute> named(Scene scene) {
        Set<Attribute> named = EnumSet.of(Attribute.BACKGROUND, Attribute.COLOUR, Attribute.FORM);
        if (scene.size() != Size.MEDIUM) {
            named.add(Attribute.SIZE);
        }
        if (scene.place() != Place.CENTER) {
            named.add(Attribute.PLACE);
        }
        return named;
    }

    /**
     * Those of the named attributes that a picture shows.
     *
     * @param picture {@code [3, side, side]} in [-1, 1]
     */
    public static Set<Attribute> right(Scene scene, FloatArray picture) {
        Examiner examiner = new Examiner(picture);
        Set<Attribute> right = EnumSet.noneOf(Attribute.class);
        if (Hue.nearest(examiner.background) == scene.background()) {
            right.add(Attribute.BACKGROUND);
        }
        if (examiner.right > examiner.left && examiner.bottom > examiner.top) {
            if (Hue.nearest(examiner.median((row, column) -> examiner.covered[row * examiner.side + column]))
                    == scene.hue()) {
                right.add(Attribute.COLOUR);
            }
            if (examiner.form() == scene.form()) {
                right.add(Attribute.FORM);
            }
            if (Size.of(examiner.radius()) == scene.size()) {
                right.add(Attribute.SIZE);
            }
            if (examiner.place() == scene.place()) {
                right.add(Attribute.PLACE);
            }
        }
        right.retainAll(named(scene));
        return right;
    }

    private interface Region {
        boolean contains(int row, int column);
    }

    private double[] pixel(int row, int column) {
        double[] rgb = new double[3];
        for (int channel = 0; channel < 3; channel++) {
            rgb[channel] = picture.values()[(channel * side + row) * side + column];
        }
        return rgb;
    }

    /** The median colour of a region, channel by channel. */
    private double[] median(Region region) {
        double[] median = new double[3];
        for (int channel = 0; channel < 3; channel++) {
            DoubleStream.Builder values = DoubleStream.builder();
            for (int row = 0; row < side; row++) {
                for (int column = 0; column < side; column++) {
                    if (region.contains(row, column)) {
                        values.add(picture.values()[(channel * side + row) * side + column]);
                    }
                }
            }
            double[] sorted = values.build().sorted().toArray();
            median[channel] = sorted[sorted.length / 2];
        }
        return median;
    }

    /** Finds the pixels that are not background: nearer to the colour that differs most from it than to it. */
    private void cover() {
        double[] distances = new double[side * side];
        for (int i = 0; i < distances.length; i++) {
            distances[i] = Math.sqrt(Hue.squaredDistance(pixel(i / side, i % side), background));
        }
        double[] sorted = distances.clone();
        Arrays.sort(sorted);
        double most = sorted[(int) (0.985 * sorted.length)]; // the smallest shape covers more than that leaves
        for (int i = 0; i < distances.length; i++) {
            if (distances[i] > Math.max(0.25, most / 2)) {
                covered[i] = true;
                left = Math.min(left, i % side);
                right = Math.max(right, i % side);
                top = Math.min(top, i / side);
                bottom = Math.max(bottom, i / side);
            }
        }
    }

    /** Half the extent, where the picture's side is 1. */
    private double radius() {
        return Math.max(right - left + 1, bottom - top + 1) / 2.0 / side;
    }

    private Place place() {
        return Place.of((left + right + 1) / 2.0 / side - 0.5, (top + bottom + 1) / 2.0 / side - 0.5);
    }

    /** The form that covers most nearly the same pixels when it is drawn into the same box. */
    private Form form() {
        return Arrays.stream(Form.values())
                .max(Comparator.comparingDouble(this::overlap))
                .orElseThrow();
    }

    /** Intersection over union of the covered pixels and {@code form} stretched to their box. */
    private double overlap(Form form) {
        double[] box = extent(form);
        int both = 0;
        int either = 0;
        for (int row = 0; row < side; row++) {
            for (int column = 0; column < side; column++) {
                double x = box[0] + (box[1] - box[0]) * (column + 0.5 - left) / (right + 1 - left);
                double y = box[2] + (box[3] - box[2]) * (row + 0.5 - top) / (bottom + 1 - top);
                boolean drawn = form.distance(x, y) < 0;
                boolean seen = covered[row * side + column];
                both += drawn && seen ? 1 : 0;
                either += drawn || seen ? 1 : 0;
            }
        }
        return (double) both / either;
    }

    /** The box around {@code form}: from and to x, from and to y. */
    private static double[] extent(Form form) {
        double[] box = {2, -2, 2, -2};
        for (double y = -1.2; y <= 1.2; y += 0.02) {
            for (double x = -1.2; x <= 1.2; x += 0.02) {
                if (form.distance(x, y) < 0) {
                    box[0] = Math.min(box[0], x);
                    box[1] = Math.max(box[1], x);
                    box[2] = Math.min(box[2], y);
                    box[3] = Math.max(box[3], y);
                }
            }
        }
        return box;
    }
}
