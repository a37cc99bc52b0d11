/**
 * Durable jobs. {@code Jobs} is the queue as everybody sees it: submit, look, wait, cancel. {@code Worker} runs what is
 * queued with one {@code JobRunner} for each kind of job. A row of the table {@code jobs} is the truth about a job;
 * db-scheduler's rows are only leases, which is what makes a job survive the death of its worker. Nothing here knows what a
 * job does, or that there is HTTP.
 */
@NullMarked
package dev.atelier.server.job;

import org.jspecify.annotations.NullMarked;
