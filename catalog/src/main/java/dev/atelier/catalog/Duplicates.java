package dev.atelier.catalog;

import java.util.List;

/**
 * Files with the same weights.
 *
 * @param identical whether the whole files are equal; otherwise only their headers (metadata) differ
 * @param bytes that deleting all but one of them would free; hard links to one file take no room
 */
public record Duplicates(List<Model> models, boolean identical, long bytes) {}
