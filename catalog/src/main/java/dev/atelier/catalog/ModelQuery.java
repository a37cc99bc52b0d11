package dev.atelier.catalog;

import java.util.Locale;
import java.util.Optional;

/**
 * Which models to list, and in which order.
 *
 * @param text words that all occur in the name or in the metadata, or a hash; empty for all
 * @param kind only files of this kind
 * @param family only architectures whose name begins so, for example "sd1" or "sdxl"
 * @param broken only files that cannot be used, or only others
 * @param cursor where the previous page ended
 * @param limit models on a page
 */
public record ModelQuery(
        String text,
        Optional<ModelKind> kind,
        Optional<String> family,
        Optional<Boolean> broken,
        Sort sort,
        Optional<String> cursor,
        int limit) {
    /** All models by name, a hundred on a page. */
    public static final ModelQuery ALL =
            new ModelQuery("", Optional.empty(), Optional.empty(), Optional.empty(), Sort.NAME, Optional.empty(), 100);

    /** The order; models that are equal in it are in the order in which they were found. */
    public enum Sort {
        /** Without regard to case. */
        NAME("lower_name", "asc"),
        /** The largest first. */
        SIZE("size", "desc"),
        /** The latest first. */
        MODIFIED("modified", "desc");

        final String column;
        final String direction;

        Sort(String column, String direction) {
            this.column = column;
            this.direction = direction;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws IllegalArgumentException unless 1 ≤ {@code limit} ≤ 10,000 */
    public ModelQuery {
        if (limit < 1 || limit > 10_000) {
            throw new IllegalArgumentException("limit is %d, but must be 1 to 10,000".formatted(limit));
        }
    }

    public ModelQuery matching(String words) {
        return new ModelQuery(words, kind, family, broken, sort, cursor, limit);
    }

    public ModelQuery ofKind(ModelKind wanted) {
        return new ModelQuery(text, Optional.of(wanted), family, broken, sort, cursor, limit);
    }

    public ModelQuery ofFamily(String prefix) {
        return new ModelQuery(text, kind, Optional.of(prefix), broken, sort, cursor, limit);
    }

    public ModelQuery onlyBroken(boolean wanted) {
        return new ModelQuery(text, kind, family, Optional.of(wanted), sort, cursor, limit);
    }

    public ModelQuery sortedBy(Sort order) {
        return new ModelQuery(text, kind, family, broken, order, cursor, limit);
    }

    public ModelQuery after(String end) {
        return new ModelQuery(text, kind, family, broken, sort, Optional.of(end), limit);
    }

    public ModelQuery limitedTo(int models) {
        return new ModelQuery(text, kind, family, broken, sort, cursor, models);
    }
}
