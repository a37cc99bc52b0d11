/**
 * The HTTP API of AUTOMATIC1111's web UI: same routes, fields, defaults and errors, so that its clients work unchanged.
 * {@code A1111Api} lists the routes; {@code FieldList} reads bodies as pydantic did; {@code DrawingRoutes} turns
 * requests into jobs. What a route does not say here is in AUTOMATIC1111 1.10.
 */
@NullMarked
package dev.atelier.server.a1111;

import org.jspecify.annotations.NullMarked;
