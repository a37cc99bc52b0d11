package dev.atelier.merge.expression;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Names that a mistyped one may have meant. */
final class Suggestions {
    private static final int MOST = 3;
    private static final int LONGEST = 200;
    private static final int SHORTEST_PART = 3;

    private Suggestions() {}

    /** The end of a sentence that suggests the nearest of {@code known}; empty if none is near. */
    static String of(String mistyped, Collection<String> known) {
        String wanted = mistyped.toLowerCase(Locale.ROOT);
        if (wanted.length() > LONGEST) {
            return "";
        }
        List<String> near = known.stream()
                .distinct()
                .filter(name -> name.length() <= LONGEST)
                .filter(name -> isNear(wanted, name.toLowerCase(Locale.ROOT)))
                .sorted(Comparator.comparingInt((String name) -> distance(wanted, name.toLowerCase(Locale.ROOT)))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(MOST)
                .toList();
        return near.isEmpty()
                ? ""
                : near.stream()
                        .map(name -> "\"" + name + "\"")
                        .collect(Collectors.joining(", ", "; did you mean ", "?"));
    }

    /** Mistyped, or cut short: of "dreamshaper_8.safetensors" one remembers "dreamshaper". */
    private static boolean isNear(String wanted, String name) {
        return distance(wanted, name) <= Math.max(2, wanted.length() / 3)
                || (wanted.length() >= SHORTEST_PART && name.contains(wanted));
    }

    /** Characters to insert, remove or replace (Levenshtein's distance). */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
