package dev.atelier.diffusion;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How AUTOMATIC1111's scripts read what is typed into them. */
public final class ScriptText {
    private static final String NUMBER = "([+-]?[0-9]+(?:\\.[0-9]*)?)";
    private static final Pattern RANGE = Pattern.compile(
            NUMBER + "\\s*-\\s*" + NUMBER + "(?:\\s*\\(" + NUMBER + "\\s*\\)|\\s*\\[([0-9]{1,4})\\s*])?");
    private static final int MOST_VALUES = 1000;
    // loops that take nothing back: others would go as deep as a text is long
    private static final String DOUBLE = "\"((?:\\\\.|[^\"\\\\])*+)\"";
    private static final Pattern WORD = Pattern.compile("(?:[^\\s\"']|" + DOUBLE + "|'[^']*+')++");
    private static final Pattern QUOTED = Pattern.compile(DOUBLE + "|'([^']*+)'");

    private ScriptText() {}

    /** The words of a command line, without the quotes around them. */
    public static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(line);
        while (word.find()) {
            words.add(QUOTED.matcher(word.group())
                    .replaceAll(quoted -> Matcher.quoteReplacement(
                            quoted.group(1) != null ? quoted.group(1).replaceAll("\\\\(.)", "$1") : quoted.group(2))));
        }
        return words;
    }

    /** Between bars that are not within brackets, where they mean alternation. */
    public static List<String> parts(String prompt) {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        int start = 0;
        for (int i = 0; i <= prompt.length(); i++) {
            char c = i < prompt.length() ? prompt.charAt(i) : '|';
            depth += c == '[' ? 1 : c == ']' && depth > 0 ? -1 : 0;
            if (i == prompt.length() || (c == '|' && depth == 0)) {
                parts.add(prompt.substring(start, i)
                        .strip()
                        .replaceAll("^,+|,+$", "")
                        .strip());
                start = i + 1;
            }
        }
        return parts;
    }

    /** Values between commas; one with commas in it stands between double quotes. */
    public static List<String> values(String text) {
        List<String> values = new ArrayList<>();
        Matcher value = Pattern.compile("\\s*(?:\"((?:[^\"]|\"\")*+)\"\\s*|([^,]*))(?:,|$)")
                .matcher(text);
        int end = 0;
        while (end < text.length() && value.find(end) && value.start() == end) {
            values.add(
                    value.group(1) != null
                            ? value.group(1).replace("\"\"", "\"")
                            : value.group(2).strip());
            end = value.end();
        }
        if (end < text.length() || values.isEmpty()) {
            throw new IllegalArgumentException("\"%s\" is no list of values".formatted(text));
        }
        return values;
    }

    /**
     * What a value stands for: {@code 1-5}, {@code 1-9 (+2)} by steps of 2, {@code 1-10 [4]} four of them; or itself.
     *
     * @param isWhole whether the numbers are whole
     */
    public static List<String> range(String value, boolean isWhole) {
        Matcher range = RANGE.matcher(value);
        if (!range.matches()) {
            return List.of(value);
        }
        BigDecimal from = new BigDecimal(range.group(1));
        BigDecimal to = new BigDecimal(range.group(2));
        List<String> values = new ArrayList<>();
        if (range.group(4) != null) {
            int count = Integer.parseInt(range.group(4));
            for (int i = 0; i < count; i++) {
                double share = count == 1 ? 0 : (double) i / (count - 1);
                double at = from.doubleValue() + share * to.subtract(from).doubleValue();
                values.add(isWhole ? Long.toString((long) at) : plain(BigDecimal.valueOf(Math.rint(at * 1e6) / 1e6)));
            }
            return values;
        }
        BigDecimal step = range.group(3) == null ? BigDecimal.ONE : new BigDecimal(range.group(3));
        if (step.signum() == 0) {
            throw new IllegalArgumentException("\"%s\" has steps of 0".formatted(value));
        }
        for (BigDecimal at = from; to.subtract(at).signum() * step.signum() >= 0; at = at.add(step)) {
            if (values.size() == MOST_VALUES) {
                throw new IllegalArgumentException("\"%s\" are more than %d values".formatted(value, MOST_VALUES));
            }
            values.add(plain(at));
        }
        return values;
    }

    private static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
    }
}
