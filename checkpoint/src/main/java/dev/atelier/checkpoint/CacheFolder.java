package dev.atelier.checkpoint;

import java.nio.file.Path;

/** Where is kept what can be made again and need not be. */
public final class CacheFolder {
    private CacheFolder() {}

    /** The folder that the XDG base directory specification names: {@code ~/.cache/atelier} unless told otherwise. */
    public static Path ofUser() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path folder =
                cache != null && !cache.isEmpty() ? Path.of(cache) : Path.of(System.getProperty("user.home"), ".cache");
        return folder.resolve("atelier");
    }
}
