/** Where pictures and other results are kept, by key. Models are not kept here. */
@NullMarked
package dev.atelier.server.store;

import org.jspecify.annotations.NullMarked;
