/**
 * The {@code atelier} command: parses arguments, calls the library, shows progress, and turns failures into one
 * sentence and an exit code. The only package that prints to the console or ends the process. Anything that another
 * program would want to call belongs in a module below.
 */
@NullMarked
package dev.atelier.cli;

import org.jspecify.annotations.NullMarked;
