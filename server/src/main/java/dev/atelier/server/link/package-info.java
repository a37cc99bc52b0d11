/**
 * Links to results that need no key, because they are signed, and that expire. An image tag, a browser's download and the
 * clients of Novita's API send no header with them.
 */
@NullMarked
package dev.atelier.server.link;

import org.jspecify.annotations.NullMarked;
