/**
 * The library of model files on disk: which there are, what each of them is, their hashes, and how to find one by name.
 * What it knows is kept in a SQLite file and brought up to date by scanning folders; deleting that file loses nothing but
 * the time to compute it again. It is not part of {@code server}, because the command line finds models by name without a
 * server running.
 */
@NullMarked
package dev.atelier.catalog;

import org.jspecify.annotations.NullMarked;
