package dev.atelier.server.a1111;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Pieces of prompts by name, from AUTOMATIC1111's {@code styles.csv}: columns {@code name}, {@code prompt} and
 * {@code negative_prompt}. Read each time, because users edit it.
 */
record Styles(Path file) {
    private static final long MAX_SIZE = 16 << 20;
    private static final String PLACE = "{prompt}";

    record Style(String name, String prompt, String negativePrompt) {}

    /** Those in the file; none if there is no file, or none that can be read. */
    List<Style> all() {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > MAX_SIZE) {
                return List.of();
            }
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            List<List<String>> rows = rows(text.startsWith("\uFEFF") ? text.substring(1) : text);
            if (rows.isEmpty()) {
                return List.of();
            }
            List<String> header = rows.getFirst();
            return rows.stream()
                    .skip(1)
                    .map(row -> new Style(
                            cell(row, header.indexOf("name")),
                            cell(row, header.contains("prompt") ? header.indexOf("prompt") : header.indexOf("text")),
                            cell(row, header.indexOf("negative_prompt"))))
                    .filter(style -> !style.name.isEmpty() && !style.name.startsWith("#"))
                    .toList();
        } catch (IOException _) {
            return List.of();
        }
    }

    private static String cell(List<String> row, int column) {
        return column >= 0 && column < row.size() ? row.get(column) : "";
    }

    /** Rows of RFC 4180: cells in quotes may hold commas and line breaks, and quotes twice. */
    private static List<List<String>> rows(String text) {
        List<List<String>> rows = new ArrayList<>();
        List<String> row = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted && c == '"' && i + 1 < text.length() && text.charAt(i + 1) == '"') {
                cell.append(c);
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (quoted || (c != ',' && c != '\n' && c != '\r')) {
                cell.append(c);
            } else if (c != '\r') {
                row.add(cell.toString());
                cell.setLength(0);
                if (c == '\n') {
                    rows.add(row);
                    row = new ArrayList<>();
                }
            }
        }
        if (!cell.isEmpty() || !row.isEmpty()) {
            row.add(cell.toString());
            rows.add(row);
        }
        return rows;
    }

    String prompt(String prompt, List<String> names) {
        return with(prompt, names, Style::prompt);
    }

    String negativePrompt(String prompt, List<String> names) {
        return with(prompt, names, Style::negativePrompt);
    }

    /** A style with {@code {prompt}} in it goes around the prompt, another behind it; a name that nothing has is nothing. */
    private String with(String prompt, List<String> names, Function<Style, String> side) {
        if (names.isEmpty()) {
            return prompt;
        }
        Map<String, String> texts = new LinkedHashMap<>();
        all().forEach(style -> texts.putIfAbsent(style.name, side.apply(style)));
        String styled = prompt;
        for (String name : names) {
            String text = texts.getOrDefault(name, "");
            styled = text.contains(PLACE)
                    ? text.replace(PLACE, styled)
                    : Stream.of(styled.strip(), text.strip())
                            .filter(part -> !part.isEmpty())
                            .collect(Collectors.joining(", "));
        }
        return styled;
    }

    /** {@code GET /sdapi/v1/prompt-styles}. */
    List<Map<String, String>> list() {
        return all().stream()
                .map(style -> {
                    Map<String, String> entry = new LinkedHashMap<>();
                    entry.put("name", style.name);
                    entry.put("prompt", style.prompt);
                    entry.put("negative_prompt", style.negativePrompt);
                    return entry;
                })
                .toList();
    }
}
