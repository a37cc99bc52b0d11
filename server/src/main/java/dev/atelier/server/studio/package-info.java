/**
 * The web page and the API of our own, which the page uses and programs may. {@code StudioApi} lists the routes below
 * {@code /api/v1/}; {@code StudioPage} serves the page's files, which are resources and need no build. A request of this API
 * says what it means in full and nothing else: unknown fields are refused.
 */
@NullMarked
package dev.atelier.server.studio;

import org.jspecify.annotations.NullMarked;
