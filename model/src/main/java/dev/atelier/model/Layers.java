package dev.atelier.model;

import java.util.List;

/**
 * Network layers addressed by where their weights lie in the checkpoint, so that the shape of the code is the
 * checkpoint's tree of names.
 */
final class Layers<T> {
    final Ops<T> ops;
    private final Weights<T> weights;
    private final int groups;
    private final String prefix;

    /** @param groups GroupNorm's number of groups, the same throughout a model */
    Layers(Ops<T> ops, Weights<T> weights, int groups, String prefix) {
        this.ops = ops;
        this.weights = weights;
        this.groups = groups;
        this.prefix = prefix;
    }

    /** The layers below {@code name}. */
    Layers<T> at(String name) {
        return new Layers<>(ops, weights, groups, prefix + name + ".");
    }

    T weight(String name) {
        return weights.get(prefix + name);
    }

    T linear(String name, T x) {
        return ops.linear(x, weight(name + ".weight"), weight(name + ".bias"));
    }

    /** As {@link #linear(String, Object)}, cut into equal parts. */
    List<T> linear(String name, T x, int parts) {
        return ops.linear(x, weight(name + ".weight"), weight(name + ".bias"), parts);
    }

    T linearWithoutBias(String name, T x) {
        return ops.linear(x, weight(name + ".weight"));
    }

    /** A convolution that keeps the image's size. */
    T conv(String name, T image) {
        return conv(name, image, 1);
    }

    T conv(String name, T image, int stride) {
        int kernel = (int) weights.shape(prefix + name + ".weight", 4).size(2);
        return ops.conv2d(image, weight(name + ".weight"), weight(name + ".bias"), stride, kernel / 2);
    }

    /** Whether the convolution {@code name} has as many output as input channels. */
    boolean keepsWidth(String name) {
        var shape = weights.shape(prefix + name + ".weight", 4);
        return shape.size(0) == shape.size(1);
    }

    /** How many numbers the linear layer {@code name} puts out. */
    long width(String name) {
        return weights.shape(prefix + name + ".weight", 2).size(0);
    }

    /** How many numbers the linear layer {@code name} takes. */
    long inputs(String name) {
        return weights.shape(prefix + name + ".weight", 2).size(1);
    }

    T groupNorm(String name, T image, double epsilon) {
        return ops.groupNorm(image, groups, weight(name + ".weight"), weight(name + ".bias"), epsilon);
    }

    /** LayerNorm with the ε that all these networks use. */
    T layerNorm(String name, T x) {
        return ops.layerNorm(x, weight(name + ".weight"), weight(name + ".bias"), 1e-5);
    }
}
