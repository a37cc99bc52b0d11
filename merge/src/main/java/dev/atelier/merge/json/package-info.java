/** JSON inside the metadata of checkpoints, read and written. */
@NullMarked
package dev.atelier.merge.json;

import org.jspecify.annotations.NullMarked;
