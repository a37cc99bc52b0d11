/** Figures about the server for Prometheus: requests, jobs, and the machine. Nothing here knows what a job or a request does. */
@NullMarked
package dev.atelier.server.metric;

import org.jspecify.annotations.NullMarked;
