/**
 * The recipe of the model that comes with Atelier: captioned pictures of coloured shapes, drawn by formula, and a program
 * that says whether a picture shows what its caption names. What is learnt from them, and how, belongs to
 * {@code training}.
 */
@NullMarked
package dev.atelier.training.shapes;

import org.jspecify.annotations.NullMarked;
