package dev.atelier.training;

import dev.atelier.training.setting.SettingOption;
import dev.atelier.training.setting.Settings;
import dev.atelier.training.setting.SettingsFile;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;

/**
 * All that a fine-tuning goes by, besides the model. Each option stands once, on the component that it sets; the command line, the
 * files of options and {@link #of} know it from there.
 *
 * @param method what is trained
 * @param sources what it is trained on: several folders of pictures, each with options of its own
 * @param classSources pictures of the class that a subject belongs to, beside those for {@code --class-prompt}
 * @param objective what is asked of the network
 * @param course how long, how fast
 * @param output what is written, when and where
 */
public record TrainingPlan(
        TrainingMethod method,
        List<TrainingData> sources,
        List<TrainingData> classSources,
        TrainingObjective objective,
        TrainingCourse course,
        TrainingOutput output) {
    public TrainingPlan {
        sources = List.copyOf(sources);
        classSources = List.copyOf(classSources);
    }

    /** The fine-tunings there are, with how long and how fast they usually are. */
    public enum Kind {
        DREAMBOOTH(TrainingMethod.Weights.class, 800, 5e-6),
        LORA(TrainingMethod.Lora.class, 1000, 1e-4),
        TI(TrainingMethod.Word.class, 3000, 5e-4),
        FINETUNE(TrainingMethod.Weights.class, 2000, 1e-5);

        private final Class<? extends Record> method;
        private final int steps;
        private final double rate;

        Kind(Class<? extends Record> method, int steps, double rate) {
            this.method = method;
            this.steps = steps;
            this.rate = rate;
        }

        /** Its options by the headings of their sections. */
        public SequencedMap<String, List<SettingOption>> sections() {
            return SettingOption.sections(
                    TrainingData.class, method, TrainingCourse.class, TrainingObjective.class, TrainingOutput.class);
        }
    }

    /**
     * The plan of a kind of training, with the usual values of all that is not given.
     *
     * @throws IllegalArgumentException naming the option that is missing, not known, or has a value that it cannot have
     */
    public static TrainingPlan of(Kind kind, Settings given) {
        given.require(kind.sections().values().stream().flatMap(List::stream).toList());
        Settings usual = Settings.NONE.with("lr", kind.rate).with("steps", given.has("epochs") ? 0 : kind.steps);
        Settings all = given.or(usual);
        TrainingData data = all.read(TrainingData.class);
        if (!Files.isRegularFile(data.folder())) {
            return of(kind, all, List.of(data), List.of());
        }
        List<SettingOption> known = new ArrayList<>(SettingOption.of(TrainingData.class));
        SettingOption.of(TrainingCourse.class).stream()
                .filter(option -> option.setting().value().equals("batch"))
                .forEach(known::add);
        List<SettingsFile.Subset> subsets = SettingsFile.subsets(data.folder(), known);
        List<Settings> batches = subsets.stream()
                .map(subset -> subset.settings().only("batch"))
                .distinct()
                .toList();
        if (batches.size() > 1 || subsets.stream().allMatch(SettingsFile.Subset::ofClass)) {
            throw new IllegalArgumentException(
                    "%s has to name pictures to learn, and one size of batches".formatted(data.folder()));
        }
        return of(kind, batches.getFirst().or(all), sources(subsets, false, all), sources(subsets, true, all));
    }

    private static List<TrainingData> sources(List<SettingsFile.Subset> subsets, boolean ofClass, Settings otherwise) {
        return subsets.stream()
                .filter(subset -> subset.ofClass() == ofClass)
                .map(subset -> subset.settings().or(otherwise).read(TrainingData.class))
                .toList();
    }

    private static TrainingPlan of(
            Kind kind, Settings all, List<TrainingData> sources, List<TrainingData> classSources) {
        TrainingMethod method = (TrainingMethod) all.read(kind.method);
        TrainingOutput output = all.read(TrainingOutput.class);
        if (output.naming() == LoraNaming.DIFFUSERS
                && method instanceof TrainingMethod.Lora lora
                && lora.isOfWholeWeights()) {
            throw new IllegalArgumentException("diffusers has no names for --algorithm loha and lokr");
        }
        return new TrainingPlan(
                method,
                sources,
                classSources,
                all.read(TrainingObjective.class),
                all.read(TrainingCourse.class),
                output);
    }

    /** What the first pictures are learnt by, and what does not depend on the pictures. */
    TrainingData data() {
        return sources.getFirst();
    }
}
