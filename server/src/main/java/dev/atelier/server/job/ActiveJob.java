package dev.atelier.server.job;

/** A job that waits or runs, as far as somebody who watches needs to know. */
public record ActiveJob(String id, JobKind kind, JobState state, JobProgress progress) {}
