/** What a training leaves for people and programs to look at: curves, tables, event files. It knows nothing of models. */
@NullMarked
package dev.atelier.training.log;

import org.jspecify.annotations.NullMarked;
