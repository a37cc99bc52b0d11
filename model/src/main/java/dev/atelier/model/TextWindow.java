package dev.atelier.model;

import java.util.Arrays;
import java.util.List;

/**
 * What the text encoders read at once.
 *
 * @param tokens exactly 77 ids, BOS and EOS included, filled up with EOS
 * @param embeddings learned vectors that take the place of tokens
 */
public record TextWindow(List<Integer> tokens, List<Placed> embeddings) {

    /** @param position of the token that the first vector replaces; vectors beyond the window's end are left out */
    public record Placed(int position, Embedding embedding) {}

    public TextWindow {
        tokens = List.copyOf(tokens);
        embeddings = List.copyOf(embeddings);
    }

    /** A window of tokens alone. */
    public static TextWindow of(int[] tokens) {
        return new TextWindow(Arrays.stream(tokens).boxed().toList(), List.of());
    }

    /**
     * The vectors of all windows for one text encoder.
     *
     * @param encoder which of the model's encoders
     * @param width of its vectors
     */
    static ClipTextEncoder.Inserted<FloatArray> inserted(List<TextWindow> windows, int encoder, int width) {
        int length = ClipTokenizer.WINDOW;
        float[] kept = new float[windows.size() * length];
        float[] vectors = new float[kept.length * width];
        Arrays.fill(kept, 1);
        for (int i = 0; i < windows.size(); i++) {
            for (Placed placed : windows.get(i).embeddings) {
                FloatArray part = placed.embedding.parts().get(encoder);
                int first = i * length + placed.position;
                int count = Math.min(part.size(0), length - placed.position);
                Arrays.fill(kept, first, first + count, 0);
                System.arraycopy(part.values(), 0, vectors, first * width, count * width);
            }
        }
        return new ClipTextEncoder.Inserted<>(
                FloatArray.of(kept, windows.size(), length, 1), FloatArray.of(vectors, windows.size(), length, width));
    }
}
