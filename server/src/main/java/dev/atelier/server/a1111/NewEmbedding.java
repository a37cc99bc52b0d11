package dev.atelier.server.a1111;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TextEncoderConfig;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A word whose vectors are those of another text, as AUTOMATIC1111 makes it: if that has more or fewer tokens, they are
 * spread over the vectors.
 *
 * @param name what is neither letter nor digit nor one of {@code ._-} and the space is left out of it
 * @param initial "" for zeros
 */
record NewEmbedding(String name, int vectors, String initial) {

    NewEmbedding {
        name = fileName(name);
    }

    /** Without what is neither letter nor digit nor one of {@code ._-} and the space. */
    static String fileName(String name) {
        return name.codePoints()
                .filter(c -> Character.isLetterOrDigit(c) || "._- ".indexOf(c) >= 0)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString()
                .replaceFirst("^\\.+", "");
    }

    /** @throws IllegalArgumentException if the name is empty, or there is such a file and it is not to be overwritten */
    static Path newFile(Path folder, String name, String extension, boolean overwrite) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("the name has no letter");
        }
        Path file = folder.resolve(name + extension);
        if (Files.exists(file) && !overwrite) {
            throw new IllegalArgumentException("file %s already exists".formatted(file));
        }
        return file;
    }

    /**
     * Writes it for the text encoders of a model.
     *
     * @return its file, {@code NAME.safetensors} in {@code folder}
     * @throws IllegalArgumentException if there is one and it is not to be overwritten, or the name or the text is empty
     */
    Path write(Path model, Path folder, boolean overwrite) throws IOException {
        Path file = newFile(folder, name, ".safetensors", overwrite);
        Checkpoint content = content(StableDiffusion.of(Checkpoints.open(model)));
        Files.createDirectories(folder);
        content.writeTo(file, Progress.NONE);
        return file;
    }

    private Checkpoint content(StableDiffusion model) {
        int[] ids = ClipTokenizer.standard().encode(initial);
        if (ids.length == 0 && !initial.isEmpty()) {
            throw new IllegalArgumentException("init_text has no word");
        }
        List<String> names = model.text().size() == 1 ? List.of("emb_params") : List.of("clip_l", "clip_g");
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (TextEncoderConfig encoder : model.text()) {
            tensors.put(names.get(tensors.size()), vectors(model, encoder, ids));
        }
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    private Tensor vectors(StableDiffusion model, TextEncoderConfig encoder, int[] ids) {
        Tensor table = model.checkpoint().tensor(encoder.tokenTable()).to(DType.F32);
        int width = (int) table.shape().size(1);
        float[] all = new float[vectors * width];
        float[] vector = new float[width];
        for (int i = 0; i < vectors && ids.length > 0; i++) {
            table.read((long) ids[i * ids.length / vectors] * width, vector, width);
            System.arraycopy(vector, 0, all, i * width, width);
        }
        return Tensor.of(DType.F32, Shape.of(vectors, width), MemorySegment.ofArray(all));
    }
}
