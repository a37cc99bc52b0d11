/**
 * The server: one port with several HTTP APIs in front of one queue of durable jobs. {@code Server} puts the parts together and
 * holds no logic. The parts are packages of their own, lower ones first:
 *
 * <ul>
 *   <li>{@code db}: the database, settings, JSON;
 *   <li>{@code job}: the queue and the workers that empty it;
 *   <li>{@code store}: results as files;
 *   <li>{@code models}: what requests may name;
 *   <li>{@code worker}: what jobs do;
 *   <li>{@code metric}: figures for Prometheus;
 *   <li>{@code http}: the web server that all APIs share;
 *   <li>{@code key}: API keys, prices and the ledger;
 *   <li>{@code outbound}: requests to addresses that strangers name;
 *   <li>{@code upload}: models on their way in;
 *   <li>{@code link}: links to results that expire;
 *   <li>{@code a1111}: the API of AUTOMATIC1111;
 *   <li>{@code novita}: the API of Novita;
 *   <li>{@code studio}: the web page and its API.
 * </ul>
 *
 * A new API is a package with an {@code Api}, named in {@code Server}. How pictures are made belongs in modules below.
 */
@NullMarked
package dev.atelier.server;

import org.jspecify.annotations.NullMarked;
