/**
 * The pictures that a model is fine-tuned on: where they lie, what they show, at which size each is seen. What is learnt from
 * them belongs to {@code training}.
 */
@NullMarked
package dev.atelier.training.data;

import org.jspecify.annotations.NullMarked;
