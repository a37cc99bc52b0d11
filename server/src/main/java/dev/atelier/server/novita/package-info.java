/**
 * Novita's image API, versions 2 and 3, so that its official clients work with only the address changed. {@code Problem} is its
 * errors in both versions, {@code Tasks} its tasks in front of the queue; {@code V2Requests} and {@code V3Requests} read what
 * clients send, and {@code V2Routes} and {@code V3Routes} say what came of it.
 */
@NullMarked
package dev.atelier.server.novita;

import org.jspecify.annotations.NullMarked;
