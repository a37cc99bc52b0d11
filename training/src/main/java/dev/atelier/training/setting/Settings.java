package dev.atelier.training.setting;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Values of options as somebody gave them: texts by the options' names. A record whose components are {@link Setting}s, or records
 * of such, is read from them.
 *
 * @param values those of options that may be given several times are several
 */
public record Settings(Map<String, List<String>> values) {
    /** Nothing is given. */
    public static final Settings NONE = new Settings(Map.of());

    public Settings {
        Map<String, List<String>> copy = new LinkedHashMap<>();
        values.forEach((name, texts) -> copy.put(name, List.copyOf(texts)));
        values = copy;
    }

    /** With another option, or another value of it. */
    public Settings with(String name, Object value) {
        List<String> texts = value instanceof Collection<?> several
                ? several.stream().map(Object::toString).toList()
                : List.of(value.toString());
        return new Settings(Map.of(name, texts)).or(this);
    }

    /** With what these leave open taken from others. */
    public Settings or(Settings others) {
        Map<String, List<String>> all = new LinkedHashMap<>(others.values);
        all.putAll(values);
        return new Settings(all);
    }

    /** What they say of one option. */
    public Settings only(String name) {
        return new Settings(values.containsKey(name) ? Map.of(name, values.get(name)) : Map.of());
    }

    /** What is left without these options. */
    public Settings without(Collection<SettingOption> options) {
        Map<String, List<String>> left = new LinkedHashMap<>(values);
        options.forEach(option -> left.remove(option.setting().value()));
        return new Settings(left);
    }

    /** Whether the option is given. */
    public boolean has(String name) {
        return values.containsKey(name);
    }

    /** @throws IllegalArgumentException naming an option that is not among {@code known} */
    public void require(Collection<SettingOption> known) {
        List<String> names =
                known.stream().map(option -> option.setting().value()).toList();
        values.keySet().stream()
                .filter(name -> !names.contains(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new IllegalArgumentException("there is no option --%s here".formatted(name));
                });
    }

    /**
     * A record with these values, and the standard ones of options that are not given.
     *
     * @throws IllegalArgumentException naming the option that is missing or has a value that it cannot have
     */
    public <R extends Record> R read(Class<R> type) {
        RecordComponent[] components = type.getRecordComponents();
        try {
            Constructor<R> constructor = type.getDeclaredConstructor(
                    Stream.of(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return constructor.newInstance(
                    Stream.of(components).map(this::value).toArray());
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof IllegalArgumentException refused ? refused : new IllegalStateException(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private @Nullable Object value(RecordComponent component) {
        Setting setting = component.getAnnotation(Setting.class);
        if (setting == null) {
            return read(component.getType().asSubclass(Record.class));
        }
        List<String> given = values.get(setting.value());
        String standard = setting.standard();
        List<String> texts = given != null ? given : standard.isEmpty() ? List.of() : List.of(standard);
        Class<?> type = component.getType();
        if (type == List.class) {
            return texts;
        }
        if (type == Map.class) {
            return texts.stream()
                    .collect(Collectors.toMap(text -> half(setting, text, 0), text -> half(setting, text, 1)));
        }
        if (!texts.isEmpty()) {
            return one(setting, type, texts.getLast().strip());
        }
        if (type == boolean.class) {
            return false;
        }
        if (component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
            return null;
        }
        if (type == String.class) {
            return "";
        }
        throw new IllegalArgumentException("--%s is missing: %s".formatted(setting.value(), setting.help()));
    }

    private static String half(Setting setting, String text, int place) {
        String[] halves = text.split("=", 2);
        if (halves.length < 2) {
            throw new IllegalArgumentException("--%s is NAME=VALUE, not \"%s\"".formatted(setting.value(), text));
        }
        return halves[place];
    }

    private static Object one(Setting setting, Class<?> type, String text) {
        try {
            return switch (type.getSimpleName()) {
                case "boolean" -> flag(text);
                case "int", "Integer" -> Integer.valueOf(text);
                case "long" -> Long.valueOf(text);
                case "double", "Double" -> Double.valueOf(text);
                case "String" -> text;
                case "Path" -> Path.of(text);
                default -> constant(type, text);
            };
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "--%s is %s, not \"%s\"".formatted(setting.value(), kind(type), text), e);
        }
    }

    private static boolean flag(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException();
        };
    }

    private static Object constant(Class<?> type, String text) {
        return Stream.of(type.getEnumConstants())
                .filter(constant -> constant.toString().equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(IllegalArgumentException::new);
    }

    private static String kind(Class<?> type) {
        return switch (type.getSimpleName()) {
            case "boolean" -> "true or false";
            case "int", "Integer", "long" -> "a whole number";
            case "double", "Double" -> "a number";
            case "Path" -> "a path";
            default ->
                Stream.of(type.getEnumConstants())
                        .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(", ", "one of ", ""));
        };
    }
}
