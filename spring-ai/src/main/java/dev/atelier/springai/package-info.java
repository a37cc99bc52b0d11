/** Atelier as Spring AI sees it. */
@NullMarked
package dev.atelier.springai;

import org.jspecify.annotations.NullMarked;
