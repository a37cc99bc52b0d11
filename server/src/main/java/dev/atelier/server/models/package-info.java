/**
 * Which models there are and what a request may call them. Reads the models folder; nothing outside it can be named.
 */
@NullMarked
package dev.atelier.server.models;

import org.jspecify.annotations.NullMarked;
