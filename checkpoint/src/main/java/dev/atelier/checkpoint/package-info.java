/**
 * Checkpoints as values: ordered maps from tensor name to lazy tensor, read from files, transformed by operations
 * that compute nothing, and evaluated range by range at a sink. Here live the data types, the file formats and
 * their safe readers and writers, the layouts, architecture detection, hashes and metadata. Nothing here knows how
 * models are combined or run, loads a native library, or holds a whole model on the heap.
 */
@NullMarked
package dev.atelier.checkpoint;

import org.jspecify.annotations.NullMarked;
