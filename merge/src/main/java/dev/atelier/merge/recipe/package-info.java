/**
 * Recipes: what a checkpoint was made of and how, as it is written into the checkpoint, so that it can be explained and made
 * again bit for bit. What an expression computes belongs to {@code dev.atelier.merge.expression}.
 */
@NullMarked
package dev.atelier.merge.recipe;

import org.jspecify.annotations.NullMarked;
