package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * The picture to start from goes on beyond its edges: AUTOMATIC1111's scripts "Outpainting mk2" and "Poor man's outpainting".
 * What is added is so much more that both sides become multiples of 64.
 *
 * @param pixels how much is added on each side, 8 to 256
 * @param blur how far the old picture's edge is softened, 0 to 64
 * @param sides on which it goes on
 * @param falloff of {@link Method#MK2}: the lower the more detail the noise has, 0 to 4
 * @param colorVariation of {@link Method#MK2}: how colourful the noise is, 0 to 1
 * @param content of {@link Method#POOR_MANS}: what is there before it is drawn
 */
public record Outpainting(
        Method method,
        int pixels,
        int blur,
        Set<Side> sides,
        double falloff,
        double colorVariation,
        MaskedContent content) {
    /** How it is drawn. */
    public enum Method {
        /** Side by side over noise that has the old picture's frequencies and colours; a batch is of pictures. */
        MK2("Outpainting mk2"),
        /** In tiles of the request's size, one after the other, to one picture. */
        POOR_MANS("Poor man's outpainting");

        private final String label;

        Method(String label) {
            this.label = label;
        }

        /** AUTOMATIC1111's name of the script. */
        public String label() {
            return label;
        }
    }

    /** In the order in which {@link Method#MK2} draws them. */
    public enum Side {
        LEFT,
        RIGHT,
        UP,
        DOWN;

        /** @throws IllegalArgumentException if there is none of this name, which is case-insensitive */
        public static Side named(String name) {
            return Arrays.stream(values())
                    .filter(side -> side.name().equalsIgnoreCase(name))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            "a picture has no side \"%s\"; known are %s".formatted(name, Arrays.toString(values()))));
        }

        boolean isHorizontal() {
            return this == LEFT || this == RIGHT;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public Outpainting {
        GenerationRequest.within("pixels to expand", pixels, 8, 256);
        GenerationRequest.within("mask blur", blur, 0, 64);
        GenerationRequest.within("fall-off exponent", falloff, 4);
        GenerationRequest.within("color variation", colorVariation, 1);
        if (sides.isEmpty()) {
            throw new IllegalArgumentException("outpainting needs a side: " + Arrays.toString(Side.values()));
        }
        sides = Set.copyOf(sides);
    }

    /** With the settings that the script has on AUTOMATIC1111's page. */
    public static Outpainting of(Method method) {
        return new Outpainting(
                method,
                128,
                method == Method.MK2 ? 8 : 4,
                EnumSet.allOf(Side.class),
                1,
                0.05,
                method == Method.MK2 ? MaskedContent.ORIGINAL : MaskedContent.FILL);
    }

    /** How much is added on a side of a picture, so that it becomes a multiple of 64 in this direction. */
    int added(Side side, Size picture) {
        int length = side.isHorizontal() ? picture.width() : picture.height();
        Side first = side.isHorizontal() ? Side.LEFT : Side.UP;
        Side second = side.isHorizontal() ? Side.RIGHT : Side.DOWN;
        int count = (sides.contains(first) ? 1 : 0) + (sides.contains(second) ? 1 : 0);
        if (!sides.contains(side)) {
            return 0;
        }
        int more = Math.ceilDiv(length + count * pixels, 64) * 64 - length;
        int ofFirst = sides.contains(first) ? pixels * more / (count * pixels) : 0;
        return side == first ? ofFirst : more - ofFirst;
    }
}
