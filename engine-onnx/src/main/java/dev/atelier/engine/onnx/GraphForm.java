package dev.atelier.engine.onnx;

import dev.atelier.engine.onnx.FastOps.Size;

/**
 * Which of a network's graphs it is: all take the same weights.
 *
 * @param size of the images that go in; of no interest to text encoders
 * @param mergedTokens see {@link dev.atelier.model.UNetShortcut#mergedTokens}
 * @param depth how many of the UNet's outermost blocks it is, see {@link dev.atelier.model.UNet#shallow}; 0 for all of it
 * @param controlled whether it has inputs for what ControlNets add
 * @param adapted whether it has inputs for what T2I-Adapters add
 * @param repeats see {@link dev.atelier.model.UNet.Input}; the size counts contexts
 */
record GraphForm(Size size, double mergedTokens, int depth, boolean controlled, boolean adapted, int repeats) {
    static final GraphForm ANY = of(new Size(64, 64));

    /** Of a network that has but one, or of a UNet that takes no shortcut. */
    static GraphForm of(Size size) {
        return new GraphForm(size, 0, 0, false, false, 1);
    }

    /** Whether one run may take both in turns. */
    boolean goesWith(GraphForm other) {
        return size.isAsLarge(other.size)
                && mergedTokens == other.mergedTokens
                && (depth == other.depth || depth == 0 || other.depth == 0);
    }

    /** Whether they differ in nothing but numbers of images. */
    boolean isOfAnotherCount(GraphForm other) {
        return size.isAsLarge(other.size)
                && mergedTokens == other.mergedTokens
                && depth == other.depth
                && controlled == other.controlled
                && adapted == other.adapted;
    }
}
