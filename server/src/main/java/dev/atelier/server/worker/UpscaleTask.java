package dev.atelier.server.worker;

/**
 * The request of a job that makes a finished picture larger.
 *
 * @param image key of the store
 */
public record UpscaleTask(String image, Enlargement how) {}
