/**
 * The database, its tables' versions ({@code resources/db}), settings, and the JSON that goes into columns and over the wire.
 */
@NullMarked
package dev.atelier.server.db;

import org.jspecify.annotations.NullMarked;
