package dev.atelier.training.setting;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * An option as users see it.
 *
 * @param setting its names and what it does
 * @param type of its value
 */
public record SettingOption(Setting setting, Class<?> type) {
    /** All options of records and the records in them, by the headings of their sections, in the order in which they stand there. */
    @SafeVarargs
    public static SequencedMap<String, List<SettingOption>> sections(Class<? extends Record>... records) {
        SequencedMap<String, List<SettingOption>> sections = new LinkedHashMap<>();
        for (Class<? extends Record> type : records) {
            collect(type, "", sections);
        }
        return sections;
    }

    /** All options of a record and the records in it. */
    public static List<SettingOption> of(Class<? extends Record> type) {
        return sections(type).values().stream().flatMap(List::stream).toList();
    }

    private static void collect(Class<?> type, String heading, Map<String, List<SettingOption>> sections) {
        Section section = type.getAnnotation(Section.class);
        String own = section == null ? heading : section.value();
        for (RecordComponent component : type.getRecordComponents()) {
            Setting setting = component.getAnnotation(Setting.class);
            if (setting == null) {
                collect(component.getType(), own, sections);
            } else {
                sections.computeIfAbsent(own, _ -> new ArrayList<>())
                        .add(new SettingOption(setting, component.getType()));
            }
        }
    }

    /** Whether it has no value, but is given or not. */
    public boolean isSwitch() {
        return type == boolean.class;
    }

    /** Whether it may be given several times. */
    public boolean isRepeated() {
        return type == List.class || type == Map.class;
    }

    /** What it does, and what happens if it is not given. */
    public String description() {
        String standard = setting.standard();
        return standard.isEmpty() ? setting.help() : setting.help() + " Default: " + standard + ".";
    }
}
