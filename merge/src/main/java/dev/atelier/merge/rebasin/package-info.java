/** Re-basin: the neurons of one model in the order of another's, which changes no picture. */
@NullMarked
package dev.atelier.merge.rebasin;

import org.jspecify.annotations.NullMarked;
