/**
 * API keys and what they may spend: keys, of which only hashes are kept; prices; and the ledger, which reserves what a request
 * costs, and keeps it only if the job succeeds. Nothing here knows of HTTP.
 */
@NullMarked
package dev.atelier.server.key;

import org.jspecify.annotations.NullMarked;
