package dev.atelier.engine.torch;

/** How far off an answer is, element by element. The last two are kohya's, with widths of the bend for each sample. */
public sealed interface ElementLoss {
    /** d². */
    record Squared() implements ElementLoss {}

    /** |d|. */
    record Absolute() implements ElementLoss {}

    /** 2c (√(d² + c²) − c): d² where it is small against c, 2c |d| where it is large. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Huber(float[] widths) implements ElementLoss {}

    /** 2 (√(d² + c²) − c). */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record SmoothL1(float[] widths) implements ElementLoss {}
}
