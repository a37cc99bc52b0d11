package dev.atelier.server.outbound;

import java.util.List;
import java.util.Locale;

/**
 * Names of hosts.
 *
 * @param patterns each a name, or {@code *.example.org} for all below it
 */
public record Hosts(List<String> patterns) {
    public static final Hosts NONE = new Hosts(List.of());

    /** @throws IllegalArgumentException if one is no name of a host */
    public Hosts {
        patterns = patterns.stream()
                .map(pattern -> pattern.toLowerCase(Locale.ROOT))
                .toList();
        for (String pattern : patterns) {
            if (!pattern.matches("(\\*\\.)?[a-z0-9.:\\[\\]-]+")) {
                throw new IllegalArgumentException(
                        "\"%s\" is no host; write a name, or *.example.org for all below it".formatted(pattern));
            }
        }
    }

    boolean contain(String host) {
        String name = host.toLowerCase(Locale.ROOT);
        return patterns.stream()
                .anyMatch(pattern ->
                        pattern.startsWith("*.") ? name.endsWith(pattern.substring(1)) : name.equals(pattern));
    }
}
