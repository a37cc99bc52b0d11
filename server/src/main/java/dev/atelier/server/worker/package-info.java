/**
 * What jobs do: the benches of the workers and the requests that they read. {@code GenerateBench} draws pictures and keeps
 * the last model loaded. A new kind of work is a record for its request, and a case in a bench.
 */
@NullMarked
package dev.atelier.server.worker;

import org.jspecify.annotations.NullMarked;
