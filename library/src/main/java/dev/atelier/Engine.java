package dev.atelier;

/** What runs the networks. Both give the same pictures but for rounding. */
public enum Engine {
    /** ONNX Runtime, the faster of the two on a processor. */
    ONNX,

    /** libtorch, which also runs on graphics cards; see {@link ModelOptions#torch}. */
    TORCH
}
