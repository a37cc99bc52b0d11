package dev.atelier.model;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Scratch;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.nio.file.Path;
import java.util.List;

/**
 * A word whose vectors were learned (Gal et al. 2022, "An Image is Worth One Word", arXiv 2208.01618).
 *
 * @param name how prompts call it
 * @param hash the first twelve hex digits of the file's SHA-256
 * @param parts its vectors, {@code [vectors, width]}, for each text encoder of the family that it is for
 */
public record Embedding(String name, String hash, List<FloatArray> parts) {
    /** How many vectors fit into a window beside BOS and EOS. */
    private static final int MAX_VECTORS = ClipTokenizer.WINDOW - 2;

    private static final int SHORT_HASH = 12;

    public Embedding {
        parts = List.copyOf(parts);
    }

    /**
     * Reads a file that {@link Architecture#EMBEDDING} recognises: AUTOMATIC1111's {@code string_to_param}, kohya's
     * {@code emb_params}, SDXL's pair {@code clip_l} and {@code clip_g}, or a single tensor of any name. It is called as
     * the file is, without extension.
     *
     * @throws InvalidCheckpointException if it holds something else
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static Embedding open(Path path) {
        String file = path.getFileName().toString();
        int dot = file.lastIndexOf('.');
        List<FloatArray> parts = parts(Checkpoints.open(path));
        String hash = FileHash.sha256(path, Progress.NONE).substring(0, SHORT_HASH);
        return new Embedding(dot > 0 ? file.substring(0, dot) : file, hash, parts);
    }

    private static List<FloatArray> parts(Checkpoint file) {
        if (file.has("clip_l") && file.has("clip_g")) {
            FloatArray first = vectors(file, "clip_l");
            FloatArray second = vectors(file, "clip_g");
            if (first.size(0) != second.size(0)) {
                throw new InvalidCheckpointException(
                        file.name(), Reason.SHAPE_MISMATCH, "\"clip_l\" and \"clip_g\" have not equally many vectors");
            }
            return List.of(first, second);
        }
        if (file.tensors().size() != 1) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "it holds %d tensors, where an embedding has one, or clip_l and clip_g"
                            .formatted(file.tensors().size()));
        }
        return List.of(vectors(file, file.tensors().firstEntry().getKey()));
    }

    private static FloatArray vectors(Checkpoint file, String name) {
        Tensor tensor = file.tensor(name);
        Shape shape = tensor.shape();
        boolean isList =
                (shape.rank() == 1 || shape.rank() == 2) && tensor.dtype().isFloating();
        long vectors = isList && shape.rank() == 2 ? shape.size(0) : 1;
        long width = isList ? shape.size(shape.rank() - 1) : 0;
        if (vectors < 1 || vectors > MAX_VECTORS || width < 1 || width > Scratch.SIZE) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.SHAPE_MISMATCH,
                    "the tensor \"%s\" of %s %s is no list of 1 to %d vectors"
                            .formatted(name, tensor.dtype(), shape, MAX_VECTORS));
        }
        float[] values = new float[(int) (vectors * width)];
        float[] row = new float[(int) width];
        for (int i = 0; i < vectors; i++) {
            tensor.read(i * width, row, row.length);
            System.arraycopy(row, 0, values, i * row.length, row.length);
        }
        return FloatArray.of(values, (int) vectors, (int) width);
    }

    /** How many tokens it stands for. */
    public int vectors() {
        return parts.getFirst().size(0);
    }

    /** How long its vectors are, for each text encoder: 768 for SD 1.x, 768 and 1280 for SDXL. */
    public List<Integer> widths() {
        return parts.stream().map(part -> part.size(1)).toList();
    }
}
