/**
 * Runs the networks of {@code model} eagerly on libtorch, on a CPU or a CUDA device, and frees what they allocate.
 * The only package that touches {@code org.bytedeco}: native handles and their scopes never leave it. What is
 * computed belongs to {@code model}, and when it is computed to {@code diffusion}.
 */
@NullMarked
package dev.atelier.engine.torch;

import org.jspecify.annotations.NullMarked;
