package dev.atelier.model;

import org.jspecify.annotations.Nullable;

/**
 * What a UNet gives.
 *
 * @param noise {@code [n, 4, h, w]}
 * @param deep what {@link UNetShortcut#deep} may be in later calls; null if nothing was kept
 */
public record UNetAnswer(FloatArray noise, @Nullable FloatArray deep) {}
