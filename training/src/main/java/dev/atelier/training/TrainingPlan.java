package dev.atelier.training;

import dev.atelier.training.setting.SettingOption;
import dev.atelier.training.setting.Settings;
import java.util.List;
import java.util.SequencedMap;

/**
 * All that a fine-tuning goes by, besides the model. Each option stands once, on the component that it sets; the command line, the
 * files of options and {@link #of} know it from there.
 *
 * @param method what is trained
 * @param data what it is trained on
 * @param objective what is asked of the network
 * @param course how long, how fast
 * @param output what is written, when and where
 */
public record TrainingPlan(
        TrainingMethod method,
        TrainingData data,
        TrainingObjective objective,
        TrainingCourse course,
        TrainingOutput output) {

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
        return new TrainingPlan(
                (TrainingMethod) all.read(kind.method),
                all.read(TrainingData.class),
                all.read(TrainingObjective.class),
                all.read(TrainingCourse.class),
                all.read(TrainingOutput.class));
    }
}
