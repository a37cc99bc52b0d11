/**
 * The model expression language: text such as {@code 0.7*anime + 0.3*photo} in, a lazy checkpoint out. What the functions
 * compute belongs to {@code dev.atelier.merge} and {@code dev.atelier.checkpoint}; here they only have names.
 */
@NullMarked
package dev.atelier.merge.expression;

import org.jspecify.annotations.NullMarked;
