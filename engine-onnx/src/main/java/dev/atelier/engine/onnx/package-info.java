/**
 * Writes the networks of {@code model} down as ONNX graphs and runs them with ONNX Runtime on the processor. The only
 * package that touches {@code ai.onnxruntime}: native handles never leave it. What is computed belongs to {@code model},
 * and when it is computed to {@code diffusion}.
 */
@NullMarked
package dev.atelier.engine.onnx;

import org.jspecify.annotations.NullMarked;
