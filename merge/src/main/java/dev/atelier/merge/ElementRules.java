package dev.atelier.merge;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * SuperMerger's rules for single layers: {@code BLOCKS:ELEMENTS:WEIGHT}, separated by commas or lines. Blocks are names
 * or ranges separated by spaces, elements are parts of tensor names; an empty list means all, and NOT in front of a list
 * all others. Of several rules that fit a tensor the last one counts.
 */
public final class ElementRules implements Multipliers {
    private record Rule(Predicate<String> matches, double weight) {}

    private final List<Rule> rules;

    private ElementRules(List<Rule> rules) {
        this.rules = rules;
    }

    /** @throws IllegalArgumentException naming a rule that cannot be read */
    public static ElementRules parse(String text, Blocks blocks) {
        return new ElementRules(Arrays.stream(text.split("[,\n]"))
                .filter(rule -> !rule.isBlank())
                .map(rule -> rule(rule.strip(), blocks))
                .toList());
    }

    private static Rule rule(String text, Blocks blocks) {
        String[] parts = text.split(":", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException(
                    "the rule \"%s\" is not of the form BLOCKS:ELEMENTS:WEIGHT".formatted(text));
        }
        Predicate<String> inBlock = oneOf(parts[0], names -> {
            List<String> expanded = names.stream()
                    .flatMap(name -> range(name, blocks.names()).stream())
                    .toList();
            return name -> expanded.contains(blocks.of(name));
        });
        Predicate<String> hasElement =
                oneOf(parts[1], elements -> name -> elements.stream().anyMatch(name::contains));
        try {
            return new Rule(inBlock.and(hasElement), Double.parseDouble(parts[2].strip()));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the rule \"%s\" does not end with a number".formatted(text), e);
        }
    }

    private static Predicate<String> oneOf(String list, Function<List<String>, Predicate<String>> meaning) {
        List<String> words = new ArrayList<>(Arrays.asList(list.strip().split("\\s+")));
        words.removeIf(String::isEmpty);
        boolean inverted = !words.isEmpty() && words.getFirst().equals("NOT");
        if (inverted) {
            words.removeFirst();
        }
        if (words.isEmpty()) {
            return _ -> !inverted;
        }
        Predicate<String> chosen = meaning.apply(words);
        return inverted ? chosen.negate() : chosen;
    }

    /** {@code IN03-IN05}, in either order, or a single name. */
    private static List<String> range(String text, List<String> names) {
        String[] ends = text.split("-", 2);
        int first = index(ends[0], names);
        int last = index(ends[ends.length - 1], names);
        return names.subList(Math.min(first, last), Math.max(first, last) + 1);
    }

    private static int index(String block, List<String> names) {
        int index = names.indexOf(block);
        if (index < 0) {
            throw new IllegalArgumentException(
                    "there is no block \"%s\"; there are %s".formatted(block, String.join(", ", names)));
        }
        return index;
    }

    @Override
    public OptionalDouble of(String name) {
        return rules.reversed().stream()
                .filter(rule -> rule.matches.test(name))
                .mapToDouble(Rule::weight)
                .findFirst();
    }
}
