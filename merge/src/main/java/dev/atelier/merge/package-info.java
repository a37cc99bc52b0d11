/**
 * Combining checkpoints: merge methods, block weights, LoRA baking, extraction and resizing, the model expression
 * language, and recipes that rebuild a result. Every method returns another lazy checkpoint. Reading and writing of
 * files belongs to {@code checkpoint}; no network runs here.
 */
@NullMarked
package dev.atelier.merge;

import org.jspecify.annotations.NullMarked;
