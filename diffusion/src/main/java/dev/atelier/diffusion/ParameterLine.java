package dev.atelier.diffusion;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The last line of infotext: {@code key: value} pairs between commas, a value in JSON quotes where it would otherwise
 * end early. Reading takes linear time on any line.
 */
final class ParameterLine {
    private static final Pattern TO_ESCAPE = Pattern.compile("[\"\\\\\\x00-\\x1F]");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(u\\p{XDigit}{4}|.)", Pattern.DOTALL);

    private ParameterLine() {}

    static String write(Map<String, String> parameters) {
        return parameters.entrySet().stream()
                .map(parameter -> parameter.getKey() + ": " + quoteIfNeeded(parameter.getValue()))
                .collect(Collectors.joining(", "));
    }

    // AUTOMATIC1111 quotes for a comma, a colon or a line break; a value that begins with a quote or has blanks around
    // it would not survive its reader either
    private static String quoteIfNeeded(String value) {
        boolean needed = value.contains(",")
                || value.contains(":")
                || value.contains("\n")
                || value.startsWith("\"")
                || !value.equals(value.strip());
        return needed ? quote(value) : value;
    }

    private static String quote(String value) {
        return '"'
                + TO_ESCAPE
                        .matcher(value)
                        .replaceAll(match -> escape(match.group().charAt(0)))
                + '"';
    }

    private static String escape(char c) {
        return Matcher.quoteReplacement(
                switch (c) {
                    case '"', '\\' -> "\\" + c;
                    case '\n' -> "\\n";
                    case '\r' -> "\\r";
                    case '\t' -> "\\t";
                    default -> "\\u%04x".formatted((int) c);
                });
    }

    /** The pairs of a line, in order; whatever is no pair is passed over. */
    static Map<String, String> parse(String line) {
        Map<String, String> parameters = new LinkedHashMap<>();
        int at = 0;
        int colon = line.indexOf(':');
        while (colon >= 0) {
            String key = keyBefore(line, at, colon);
            at = colon + 1;
            if (key != null) {
                int start = skipBlanks(line, at);
                int quoteEnd = endOfQuotedValue(line, start);
                int end = quoteEnd >= 0 ? quoteEnd : endOfPlainValue(line, start);
                String value = line.substring(start, end);
                parameters.put(key, quoteEnd >= 0 ? unquote(value) : value);
                at = Math.min(end + 1, line.length());
            }
            colon = line.indexOf(':', at);
        }
        return parameters;
    }

    /** The key that ends at {@code colon}: a word character, and more of them, blanks, hyphens or slashes. */
    private static @Nullable String keyBefore(String line, int from, int colon) {
        int start = colon;
        while (start > from && isKeyCharacter(line.charAt(start - 1))) {
            start--;
        }
        while (start < colon && !isWordCharacter(line.charAt(start))) {
            start++;
        }
        return colon - start >= 2 ? line.substring(start, colon) : null;
    }

    private static boolean isKeyCharacter(char c) {
        return isWordCharacter(c) || c == ' ' || c == '-' || c == '/';
    }

    private static boolean isWordCharacter(char c) {
        return Character.isLetterOrDigit(c) || c == '_';
    }

    private static int skipBlanks(String line, int from) {
        int start = from;
        while (start < line.length() && Character.isWhitespace(line.charAt(start))) {
            start++;
        }
        return start;
    }

    private static int endOfPlainValue(String line, int start) {
        int comma = line.indexOf(',', start);
        return comma >= 0 ? comma : line.length();
    }

    /** The position after the closing quote, if a quoted value with a comma or the end behind it begins at start. */
    private static int endOfQuotedValue(String line, int start) {
        if (!line.startsWith("\"", start)) {
            return -1;
        }
        int i = start + 1;
        while (i < line.length() && line.charAt(i) != '"') {
            i += line.charAt(i) == '\\' ? 2 : 1;
        }
        int end = i + 1;
        boolean closed = end == line.length() || (end < line.length() && line.charAt(end) == ',');
        return closed ? end : -1;
    }

    private static String unquote(String quoted) {
        return ESCAPE.matcher(quoted.substring(1, quoted.length() - 1)).replaceAll(match -> unescape(match.group(1)));
    }

    private static String unescape(String escape) {
        return Matcher.quoteReplacement(
                switch (escape.charAt(0)) {
                    case 'n' -> "\n";
                    case 'r' -> "\r";
                    case 't' -> "\t";
                    case 'b' -> "\b";
                    case 'f' -> "\f";
                    case 'u' -> escape.length() == 1 ? escape : Character.toString(Integer.parseInt(escape, 1, 5, 16));
                    default -> escape;
                });
    }
}
