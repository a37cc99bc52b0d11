package dev.atelier.client;

/**
 * A picture that is ready.
 *
 * @param url where {@link AtelierClient#download(Picture)} finds it, below the server's address
 * @param infotext how it was made, in AUTOMATIC1111's words
 */
public record Picture(String url, long seed, int width, int height, String infotext) {}
