package dev.atelier.catalog;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** From what a user types to the model that is meant, as AUTOMATIC1111 resolves names, but never by a guess. */
final class ModelNames {
    private static final Pattern TITLE = Pattern.compile("(.+?)\\s*\\[([0-9a-fA-F]{8,64})]");
    private static final Pattern EXTENSION = Pattern.compile("\\.(safetensors|ckpt|pt|pth|bin)$");
    private static final int SHOWN = 5;

    private final ModelTable table;

    ModelNames(ModelTable table) {
        this.table = table;
    }

    /** @throws NoSuchModelException if there are several */
    Optional<Model> find(String typed) {
        String text = typed.strip();
        Matcher title = TITLE.matcher(text);
        if (title.matches()) {
            return findTitle(typed, title.group(1), title.group(2).toLowerCase(Locale.ROOT));
        }
        List<Model> found = byName(text);
        if (found.isEmpty() && ModelTable.isHash(text)) {
            found = byHash(text);
        }
        if (found.isEmpty() && !text.isEmpty()) {
            found = table.where("instr(lower_name, ?) > 0", text.toLowerCase(Locale.ROOT));
        }
        return theOne(typed, found);
    }

    Model named(String typed) {
        return find(typed)
                .orElseThrow(() ->
                        NoSuchModelException.unknown(typed, NearNames.of(Model.stem(typed.strip()), table.stems())));
    }

    /** The hash decides; a name alone is enough only where the hash of its file is not known yet. */
    private Optional<Model> findTitle(String typed, String name, String hash) {
        List<Model> hashed = byHash(hash);
        List<Model> both = new ArrayList<>(byName(name));
        both.removeIf(model -> hashed.stream().noneMatch(other -> other.id() == model.id()));
        if (!both.isEmpty() || !hashed.isEmpty()) {
            return theOne(typed, both.isEmpty() ? hashed : both);
        }
        return theOne(
                typed,
                byName(name).stream().filter(model -> model.sha256().isEmpty()).toList());
    }

    private List<Model> byName(String text) {
        String lower = text.toLowerCase(Locale.ROOT).replace('\\', '/');
        List<Model> whole = table.where("lower_name = ?", lower);
        if (!whole.isEmpty()) {
            return whole;
        }
        String file = lower.substring(lower.lastIndexOf('/') + 1);
        String stem = EXTENSION.matcher(file).replaceFirst("");
        return table.where("lower_stem in (?, ?)", stem, file).stream()
                .filter(model -> endsWith(model.name().toLowerCase(Locale.ROOT), lower))
                .toList();
    }

    /** Whether {@code name} is {@code typed}, perhaps below more folders and perhaps with an extension. */
    private static boolean endsWith(String name, String typed) {
        String bare = EXTENSION.matcher(name).replaceFirst("");
        return ("/" + name).endsWith("/" + typed) || ("/" + bare).endsWith("/" + typed);
    }

    private List<Model> byHash(String hash) {
        return table.where(ModelTable.HAS_HASH, ModelTable.hashParameters(hash).toArray());
    }

    private static Optional<Model> theOne(String typed, List<Model> found) {
        boolean same = !found.isEmpty()
                && found.getFirst().sha256().isPresent()
                && found.stream().map(Model::sha256).distinct().count() == 1;
        if (found.size() > 1 && !same) {
            throw NoSuchModelException.ambiguous(
                    typed, found.stream().map(Model::title).limit(SHOWN).toList());
        }
        return found.stream().findFirst();
    }
}
