package dev.atelier.server.models;

import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model in the folder of models.
 *
 * @param name its path below the folder, with {@code /}; what AUTOMATIC1111 calls the model's name
 * @param sha256 64 hex digits, or null while nobody has computed it
 */
public record ModelFile(
        String name,
        Path path,
        long size,
        Instant modified,
        @Nullable String sha256) {
    /** The folder with a folder for each owner who keeps models private; hidden, so that no search by name finds it. */
    public static final String PRIVATE = ".private";

    private static final int SHORT_HASH = 10;

    /** Whether it is below {@code .private/OWNER/}, for that owner only. */
    public boolean isPrivate() {
        return name.startsWith(PRIVATE + "/");
    }

    /** Whether an owner may know of it. */
    public boolean isVisibleTo(String owner) {
        return !isPrivate() || name.startsWith("%s/%s/".formatted(PRIVATE, owner));
    }

    /** The name without folders and without extension. */
    public String stem() {
        String base = name.substring(name.lastIndexOf('/') + 1);
        return base.lastIndexOf('.') > 0 ? base.substring(0, base.lastIndexOf('.')) : base;
    }

    /** AUTOMATIC1111's {@code model_name}: the name without extension, its folders joined with underscores. */
    public String modelName() {
        return withoutExtension().replace('/', '_');
    }

    private String withoutExtension() {
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
    }

    public @Nullable String shortHash() {
        return sha256 == null ? null : sha256.substring(0, SHORT_HASH);
    }

    /** AUTOMATIC1111's title: the name, and the short hash where it is known. */
    public String title() {
        return sha256 == null ? name : "%s [%s]".formatted(name, shortHash());
    }

    /** What a request may call it: the exact aliases of AUTOMATIC1111, and the name without extension. */
    public Set<String> aliases() {
        Set<String> aliases = new LinkedHashSet<>(List.of(name, title(), modelName(), stem(), withoutExtension()));
        if (sha256 != null) {
            aliases.addAll(List.of(sha256, sha256.substring(0, SHORT_HASH), "%s [%s]".formatted(stem(), shortHash())));
        }
        return aliases;
    }
}
