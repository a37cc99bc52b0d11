/**
 * From a request to a picture: noise sources, schedules, samplers, guidance, the prompt grammar, conditioning, the
 * pipelines, infotext and image files. Pure Java and deterministic, over any {@code DiffusionModel}: no engine, no
 * native library and no checkpoint format belongs here, and no other package reads or writes images.
 */
@NullMarked
package dev.atelier.diffusion;

import org.jspecify.annotations.NullMarked;
