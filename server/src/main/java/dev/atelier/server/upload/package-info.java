/**
 * Models on their way into the folder of models: sent in pieces, or fetched from an address. They wait beside the folder under
 * names that nothing reads, are opened by the same safe readers as every model, and appear whole or not at all.
 */
@NullMarked
package dev.atelier.server.upload;

import org.jspecify.annotations.NullMarked;
