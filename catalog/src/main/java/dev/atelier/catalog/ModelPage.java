package dev.atelier.catalog;

import java.util.List;
import java.util.Optional;

/**
 * Part of a list.
 *
 * @param next the cursor of the page that follows; empty at the end
 */
public record ModelPage(List<Model> models, Optional<String> next) {}
