/**
 * Atelier as a library: open a checkpoint, get pictures. What most programs need and no more; everything it is made of
 * can be used on its own. Nothing is computed here.
 */
@NullMarked
package dev.atelier;

import org.jspecify.annotations.NullMarked;
