package dev.atelier.diffusion;

import dev.atelier.diffusion.TokenWindows.Window;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * From the text of prompts to what guides the network.
 *
 * @param steps how many steps the run has, counted in calls of the network
 * @param images how many images share the prompts
 */
record PromptEncoder(DiffusionModel model, EmphasisMode emphasis, int steps, int images) {

    Conditioning prompt(String text) {
        return new Conditioning(PromptPart.parse(text).stream()
                .map(part -> new Conditioning.Part(part.weight(), encode(part.text())))
                .toList());
    }

    /** {@code AND} is a word like any other here. */
    Timeline<FloatArray> negativePrompt(String text) {
        return encode(text);
    }

    /** All texts that the run switches between, with equally many windows. */
    private Timeline<FloatArray> encode(String prompt) {
        Timeline<String> timeline = PromptTimeline.of(prompt, steps);
        List<List<Window>> texts = new ArrayList<>();
        timeline.entries().forEach(entry -> texts.add(TokenWindows.of(emphasis.segments(entry.value()))));
        int count = texts.stream().mapToInt(List::size).max().orElseThrow();
        texts.forEach(windows -> {
            while (windows.size() < count) {
                windows.add(TokenWindows.empty());
            }
        });
        List<List<float[]>> encoded = encode(texts);
        for (int i = 0; i < count; i++) {
            int window = i;
            emphasis.weigh(
                    encoded.stream().map(text -> text.get(window)).toList(),
                    texts.stream().map(text -> text.get(window).weights()).toList());
        }
        List<Timeline.Entry<FloatArray>> entries = new ArrayList<>();
        for (int i = 0; i < encoded.size(); i++) {
            entries.add(new Timeline.Entry<>(timeline.entries().get(i).end(), context(encoded.get(i))));
        }
        return new Timeline<>(entries);
    }

    /** The vectors of each window of each text. A window that occurs several times goes through the encoder once. */
    private List<List<float[]>> encode(List<List<Window>> texts) {
        Map<List<Integer>, Integer> places = new LinkedHashMap<>();
        texts.forEach(windows -> windows.forEach(window -> places.putIfAbsent(key(window), places.size())));
        int[][] distinct = places.keySet().stream()
                .map(tokens -> tokens.stream().mapToInt(Integer::intValue).toArray())
                .toArray(int[][]::new);
        FloatArray encoded = model.encodeText(distinct); // [windows, 77, contextWidth]
        List<List<float[]>> vectors = new ArrayList<>();
        for (List<Window> windows : texts) {
            vectors.add(windows.stream()
                    .map(window -> Objects.requireNonNull(places.get(key(window))))
                    .map(place -> encoded.rows(place, place + 1).values())
                    .toList());
        }
        return vectors;
    }

    private static List<Integer> key(Window window) {
        return Arrays.stream(window.tokens()).boxed().toList();
    }

    /** The windows of a text side by side, once for each image: {@code [images, 77·windows, contextWidth]}. */
    private FloatArray context(List<float[]> windows) {
        int width = windows.getFirst().length / ClipTokenizer.WINDOW;
        FloatArray context = Latents.stack(windows.stream()
                .map(window -> FloatArray.of(window, ClipTokenizer.WINDOW, width))
                .toArray(FloatArray[]::new));
        FloatArray row = FloatArray.of(context.values(), 1, context.size(0), width);
        return Latents.stack(Collections.nCopies(images, row).toArray(FloatArray[]::new));
    }
}
