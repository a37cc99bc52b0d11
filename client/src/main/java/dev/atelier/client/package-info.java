/**
 * A server of Atelier from a Java program elsewhere: {@code AtelierClient} asks for pictures, waits for them and fetches them.
 * Nothing of the other modules is needed, and nothing of them belongs here.
 */
@NullMarked
package dev.atelier.client;

import org.jspecify.annotations.NullMarked;
