/**
 * Training: what a batch is made of and when, from pictures with captions to a checkpoint. How a network computes, and how
 * gradients move its weights, belongs to the engine; every random choice is made here, from a seed and the number of the
 * step, so that a run that was interrupted goes on as if it had not been.
 */
@NullMarked
package dev.atelier.training;

import org.jspecify.annotations.NullMarked;
