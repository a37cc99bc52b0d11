package dev.atelier.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** What lies under a model's name when its download went wrong. */
final class FailedDownload {
    private static final int START = 64;

    private FailedDownload() {}

    /** What the file is instead of a model, and what to do; empty if it is no such thing. */
    static Optional<String> of(MappedFile file) {
        String start = new String(file.array(0, (int) Math.min(START, file.size())), StandardCharsets.ISO_8859_1)
                .stripLeading()
                .toLowerCase(Locale.ROOT);
        if (start.startsWith("<!doctype") || start.startsWith("<html") || start.startsWith("<?xml")) {
            return Optional.of("it is a web page, such as one that asks to log in: download the model again");
        }
        if (start.startsWith("version https://git-lfs.")) {
            return Optional.of(
                    "it only points to the model (Git LFS): 'git lfs pull' in its repository brings the model itself");
        }
        return Optional.empty();
    }
}
