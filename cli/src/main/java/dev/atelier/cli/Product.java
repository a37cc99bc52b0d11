package dev.atelier.cli;

import dev.atelier.Cache;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DiffusersExport;
import dev.atelier.merge.recipe.Format;
import dev.atelier.merge.recipe.Recipe;
import dev.atelier.model.TokenizerFiles;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a recipe makes of files, and the recipe with it. The bytes that are written follow from these alone.
 *
 * @param format of the file or folder
 * @param recipe the recipe, or one that takes as much room as {@code last}
 * @param last if the recipe is not known yet: asked for when all else is written; may wait for the hashes of the inputs
 * @param inputs the files by the names that the recipe gives them
 */
record Product(
        Format format,
        Recipe recipe,
        Optional<Supplier<Recipe>> last,
        Map<String, Path> inputs,
        Checkpoint checkpoint) {
    private static final int SHOWN = 3;

    /**
     * Writes it and says so on {@code out}.
     *
     * @param hashes whether the SHA-256 of a safetensors file whose recipe is known is computed on the way, and remembered: nobody
     *     has to read it for that
     * @return false if the two recipes took different room after all: then nothing is written
     */
    boolean write(Path output, boolean hashes, String task, PrintWriter out) {
        if (format == Format.DIFFUSERS) {
            writeFolder(output, task, out);
            return true;
        }
        long start = System.nanoTime();
        Checkpoint whole = with(recipe);
        try (Bar bar = Bar.bytes(task)) {
            if (hashes && last.isEmpty()) {
                whole.writeHashed(output, bar.progress())
                        .ifPresent(hash -> Cache.ofUser().remember(output, hash));
            } else if (!whole.writeTo(
                    output,
                    () -> last.map(Supplier::get).map(this::with).orElse(whole).metadata(),
                    bar.progress())) {
                return false;
            }
        }
        report(output, whole.tensors().size(), whole.byteSize(), start, out);
        return true;
    }

    private Checkpoint with(Recipe embedded) {
        return checkpoint.withMetadata(embedded.embedIn(checkpoint.metadata(), inputs));
    }

    private void writeFolder(Path output, String task, PrintWriter out) {
        DiffusersExport export = DiffusersExport.of(checkpoint);
        Map<String, byte[]> more = new LinkedHashMap<>();
        export.tokenizers()
                .forEach((folder, pad) ->
                        TokenizerFiles.of(pad).forEach((name, content) -> more.put(folder + "/" + name, content)));
        more.put(Recipe.FILE, last.map(Supplier::get).orElse(recipe).json().getBytes(StandardCharsets.UTF_8));
        long start = System.nanoTime();
        try (Bar bar = Bar.bytes(task)) {
            export.writeTo(output, more, bar.progress());
        }
        report(output, export.tensors(), export.byteSize(), start, out);
        if (!export.leftOut().isEmpty()) {
            out.printf(
                    "  left out what diffusers has no place for, %d in all: %s%s%n",
                    export.leftOut().size(),
                    String.join(
                            ", ",
                            export.leftOut()
                                    .subList(0, Math.min(SHOWN, export.leftOut().size()))),
                    export.leftOut().size() > SHOWN ? ", …" : "");
        }
    }

    private static void report(Path output, int tensors, long bytes, long start, PrintWriter out) {
        double seconds = (System.nanoTime() - start) / 1e9;
        out.printf(Locale.ROOT, "%s: %d tensors, %s in %.1f s%n", output, tensors, Sizes.of(bytes), seconds);
    }
}
