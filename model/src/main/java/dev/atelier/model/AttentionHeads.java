package dev.atelier.model;

/** How the width of an attention layer divides into heads. */
public sealed interface AttentionHeads {
    /** Equally many heads everywhere: SD 1.x has 8. */
    record Count(int heads) implements AttentionHeads {
        @Override
        public int of(long width) {
            return heads;
        }
    }

    /** Heads of equal width: 64 in SD 2.x and SDXL. */
    record Width(int headWidth) implements AttentionHeads {
        @Override
        public int of(long width) {
            return (int) Math.max(1, width / headWidth);
        }
    }

    /** How many heads a layer of that width has. */
    int of(long width);
}
