/**
 * Requests to addresses that strangers name: webhooks and downloads. They go to public addresses only, whatever a name or a
 * redirect says, unless the host was allowed by whoever runs the server.
 */
@NullMarked
package dev.atelier.server.outbound;

import org.jspecify.annotations.NullMarked;
