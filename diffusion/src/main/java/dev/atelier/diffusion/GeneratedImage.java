package dev.atelier.diffusion;

import java.awt.image.BufferedImage;

/**
 * A finished picture.
 *
 * @param pixels 8-bit RGB
 * @param seed the seed that gives this very picture as the first of a batch
 * @param infotext how it was made, in AUTOMATIC1111's words; {@link Infotext#parse} reads it
 */
public record GeneratedImage(BufferedImage pixels, long seed, String infotext) {}
