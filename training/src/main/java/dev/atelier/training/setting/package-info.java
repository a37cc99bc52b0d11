/** Options of a training by name, wherever they come from: the command line, a file, or Java. Each stands once, on what it sets. */
@NullMarked
package dev.atelier.training.setting;

import org.jspecify.annotations.NullMarked;
