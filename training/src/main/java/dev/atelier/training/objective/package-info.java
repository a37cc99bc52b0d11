/**
 * What a denoising network is asked, and how much each answer counts: noise and its shapes, timesteps, weights, masks. Pure
 * numbers: how a network answers belongs to the engine.
 */
@NullMarked
package dev.atelier.training.objective;

import org.jspecify.annotations.NullMarked;
