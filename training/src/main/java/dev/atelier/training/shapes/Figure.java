package dev.atelier.training.shapes;

/**
 * A shape on a picture whose side is 1.
 *
 * @param x of its centre, from the left
 * @param y of its centre, from the top
 * @param radius half its extent
 * @param rgb its colour, each in [-1, 1]
 */
@SuppressWarnings("ArrayRecordComponent") // drawn and never compared
record Figure(Form form, double x, double y, double radius, double[] rgb) {}
