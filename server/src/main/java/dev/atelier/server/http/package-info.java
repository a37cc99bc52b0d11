/**
 * What all HTTP APIs share: the server itself with its log and its guards, bodies with a limit, and errors. An API is an
 * {@link dev.atelier.server.http.Api}: a group of routes with its own way to say who may call them and what went wrong.
 */
@NullMarked
package dev.atelier.server.http;

import org.jspecify.annotations.NullMarked;
