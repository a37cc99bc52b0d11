package dev.atelier.training;

/**
 * What one step of a training did.
 *
 * @param stage what is being trained
 * @param step which step this was, counted from 1 over all runs
 * @param steps how many there are
 * @param rate the learning rate
 * @param loss the mean squared error of the batch
 * @param norm of the gradients, before clipping
 */
public record TrainingStep(String stage, int step, int steps, double rate, double loss, double norm) {}
