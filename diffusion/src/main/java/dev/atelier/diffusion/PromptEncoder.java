package dev.atelier.diffusion;

import dev.atelier.diffusion.TokenWindows.Window;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.Embedding;
import dev.atelier.model.FloatArray;
import dev.atelier.model.TextEncoding;
import dev.atelier.model.TextWindow;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * From the text of prompts to what guides the network.
 *
 * @param embeddings those that the prompts may name
 * @param named receives those that they do name
 * @param commaBacktrack see {@link GenerationRequest#commaBacktrack()}
 * @param clipSkip see {@link DiffusionModel#encodeText(List, int)}
 * @param times when prompt editing switches
 * @param images how many images share the prompts
 * @param size of the images; only SDXL is told
 * @param sdxl what else it is told
 */
record PromptEncoder(
        DiffusionModel model,
        Embeddings embeddings,
        Set<Embedding> named,
        EmphasisMode emphasis,
        int commaBacktrack,
        int clipSkip,
        EditingTimes times,
        int images,
        Size size,
        SdxlOptions sdxl) {
    /**
     * A window as the text encoders understand it.
     *
     * @param parts from each encoder, the vectors of 77 tokens
     * @param pooled the vector of the window as a whole, {@code [1, width]}, if the model has such
     */
    private record EncodedWindow(
            List<float[]> parts, @Nullable FloatArray pooled) {}

    Conditioning prompt(String text) {
        return new Conditioning(PromptPart.parse(text).stream()
                .map(part -> new Conditioning.Part(part.weight(), encode(part.text(), false)))
                .toList());
    }

    /**
     * {@code AND} is a word like any other here. SDXL was trained with zeros where there is no text at all; as in
     * AUTOMATIC1111, they stand for an empty negative prompt and for nothing else.
     */
    Timeline<UNetConditioning> negativePrompt(String text) {
        return encode(text, true);
    }

    /** All texts that the run switches between, with equally many windows. */
    private Timeline<UNetConditioning> encode(String prompt, boolean negative) {
        Timeline<String> timeline = PromptTimeline.of(prompt, times);
        List<List<Window>> texts = new ArrayList<>();
        timeline.entries()
                .forEach(entry ->
                        texts.add(TokenWindows.of(emphasis.segments(entry.value()), embeddings, commaBacktrack)));
        texts.stream()
                .flatMap(List::stream)
                .flatMap(window -> window.text().embeddings().stream())
                .forEach(placed -> named.add(placed.embedding()));
        int count = texts.stream().mapToInt(List::size).max().orElseThrow();
        texts.forEach(windows -> {
            while (windows.size() < count) {
                windows.add(TokenWindows.empty());
            }
        });
        List<List<EncodedWindow>> encoded = encode(texts);
        weigh(encoded, texts);
        boolean blank = negative && prompt.isEmpty() && model.family().isXl();
        List<Timeline.Entry<UNetConditioning>> entries = new ArrayList<>();
        for (int i = 0; i < encoded.size(); i++) {
            if (blank) {
                encoded.get(i).forEach(PromptEncoder::blank);
            }
            entries.add(new Timeline.Entry<>(timeline.entries().get(i).end(), conditioning(encoded.get(i), negative)));
        }
        return new Timeline<>(entries);
    }

    private static void blank(EncodedWindow window) {
        window.parts.forEach(part -> Arrays.fill(part, 0));
        if (window.pooled != null) {
            Arrays.fill(window.pooled.values(), 0);
        }
    }

    /** Each encoder's output keeps its own mean. */
    private void weigh(List<List<EncodedWindow>> encoded, List<List<Window>> texts) {
        List<EncodedWindow> first = encoded.getFirst();
        for (int i = 0; i < first.size(); i++) {
            int window = i;
            for (int j = 0; j < first.get(i).parts.size(); j++) {
                int part = j;
                emphasis.weigh(
                        encoded.stream()
                                .map(text -> text.get(window).parts.get(part))
                                .toList(),
                        texts.stream().map(text -> text.get(window).weights()).toList());
            }
        }
    }

    /** A window that occurs several times goes through the encoders once. */
    private List<List<EncodedWindow>> encode(List<List<Window>> texts) {
        Map<TextWindow, Integer> places = new LinkedHashMap<>();
        texts.forEach(windows -> windows.forEach(window -> places.putIfAbsent(window.text(), places.size())));
        TextEncoding encoding = model.encodeText(List.copyOf(places.keySet()), clipSkip);
        List<List<EncodedWindow>> encoded = new ArrayList<>();
        for (List<Window> windows : texts) {
            encoded.add(windows.stream()
                    .map(window -> encoded(encoding, Objects.requireNonNull(places.get(window.text()))))
                    .toList());
        }
        return encoded;
    }

    private static EncodedWindow encoded(TextEncoding encoding, int place) {
        FloatArray pooled = encoding.pooled();
        return new EncodedWindow(
                encoding.parts().stream()
                        .map(part -> part.rows(place, place + 1).values())
                        .toList(),
                pooled == null ? null : pooled.rows(place, place + 1));
    }

    /** The windows of a text one after the other, once for each image. SDXL's vector is that of the first window. */
    private UNetConditioning conditioning(List<EncodedWindow> windows, boolean negative) {
        List<FloatArray> parts = new ArrayList<>();
        for (int i = 0; i < windows.getFirst().parts.size(); i++) {
            int part = i;
            int width = windows.getFirst().parts.get(i).length / ClipTokenizer.WINDOW;
            FloatArray joined = Latents.stack(windows.stream()
                    .map(window -> FloatArray.of(window.parts.get(part), ClipTokenizer.WINDOW, width))
                    .toArray(FloatArray[]::new));
            parts.add(FloatArray.of(joined.values(), 1, joined.size(0), width));
        }
        FloatArray pooled = windows.getFirst().pooled;
        UNetConditioning row = new UNetConditioning(
                TextEncoding.sideBySide(parts),
                pooled == null ? null : sdxl.sizes(size).vector(pooled, model.family(), sdxl.aestheticScore(negative)),
                null,
                List.of(negative),
                List.of(),
                List.of());
        return Conditioning.stack(Collections.nCopies(images, row));
    }
}
