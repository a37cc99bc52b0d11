package dev.atelier.engine.onnx;

/** A value in a graph under construction: an input, a weight, a constant or what a node puts out, by its name. */
record GraphValue(String name) {
    /** An optional input that is left out. */
    static final GraphValue NONE = new GraphValue("");
}
