package dev.atelier.server.key;

/**
 * What a request asks for, as the ledger remembers it.
 *
 * @param endpoint such as {@code /v3/async/txt2img}
 * @param cost of all its pictures, in 10⁻¹⁰ USD
 */
public record Order(String endpoint, String model, int images, int width, int height, int steps, long cost) {}
