package dev.atelier.diffusion;

import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.Embedding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The embeddings that prompts for a model may name, found as AUTOMATIC1111 finds them: by the tokens of their names, the
 * longest name first. So capitals make no difference, and a name may stand in the middle of a text.
 */
final class Embeddings {
    static final Embeddings NONE = new Embeddings(List.of(), List.of());

    /**
     * A name in a prompt.
     *
     * @param length of the name in tokens
     */
    record Match(Embedding embedding, int length) {}

    private record Named(List<Integer> name, Embedding embedding) {}

    private final Map<Integer, List<Named>> fitting = new HashMap<>(); // by the first token of their names
    private final Map<Integer, List<Named>> others = new HashMap<>();

    private Embeddings(Collection<Embedding> all, List<Integer> widths) {
        for (Embedding embedding : all) {
            List<Integer> name = tokens(embedding.name());
            if (!name.isEmpty()) {
                (embedding.widths().equals(widths) ? fitting : others)
                        .computeIfAbsent(name.getFirst(), _ -> new ArrayList<>())
                        .add(new Named(name, embedding));
            }
        }
        Comparator<Named> longestFirst = Comparator.comparingInt(named -> -named.name.size());
        fitting.values().forEach(sameStart -> sameStart.sort(longestFirst));
        others.values().forEach(sameStart -> sameStart.sort(longestFirst));
    }

    /** @param all of any family; of two with the same name the first counts */
    static Embeddings of(Collection<Embedding> all, DiffusionModel model) {
        return all.isEmpty() ? NONE : new Embeddings(all, model.tokenWidths());
    }

    /** The embedding whose name begins at {@code position}. */
    Optional<Match> at(List<Integer> tokens, int position) {
        return find(fitting, tokens, position);
    }

    /** The embeddings of other families of models that a prompt names: they are read as text. */
    Set<Embedding> ofOtherFamilies(String prompt) {
        Set<Embedding> named = new LinkedHashSet<>();
        for (PromptSegment segment : PromptSegment.parse(prompt)) {
            List<Integer> tokens = tokens(segment.text());
            for (int i = 0; i < tokens.size(); i++) {
                if (at(tokens, i).isEmpty()) {
                    find(others, tokens, i).ifPresent(match -> named.add(match.embedding));
                }
            }
        }
        return named;
    }

    /** Whether a text begins with the name of an embedding, of any family. */
    boolean begin(String text) {
        List<Integer> tokens = tokens(text);
        return !tokens.isEmpty()
                && (at(tokens, 0).isPresent() || find(others, tokens, 0).isPresent());
    }

    private static Optional<Match> find(Map<Integer, List<Named>> byFirstToken, List<Integer> tokens, int position) {
        List<Integer> rest = tokens.subList(position, tokens.size());
        return byFirstToken.getOrDefault(rest.getFirst(), List.of()).stream()
                .filter(named -> rest.size() >= named.name.size()
                        && rest.subList(0, named.name.size()).equals(named.name))
                .findFirst()
                .map(named -> new Match(named.embedding, named.name.size()));
    }

    private static List<Integer> tokens(String text) {
        return Arrays.stream(ClipTokenizer.standard().encode(text)).boxed().toList();
    }
}
