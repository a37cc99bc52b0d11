package dev.atelier.training;

import dev.atelier.checkpoint.DType;
import dev.atelier.training.setting.Section;
import dev.atelier.training.setting.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a training writes.
 *
 * @param keepAverages whether a whole model holds its last weights and beside them their averages, as the checkpoints do that CompVis
 *     trained; otherwise only the averages, if there are any
 */
@Section("What it writes")
public record TrainingOutput(
        @Setting(value = "output", label = "FILE", help = "The result.")
        Path file,

        @Setting(
                value = "state",
                label = "FOLDER",
                help =
                        "Where everything is kept that is needed to go on later, and the losses as a table and a curve. Default: the"
                                + " output's name with .state behind it.")
        @Nullable
        Path stateFolder,

        @Setting(
                value = "dtype",
                label = "TYPE",
                help = "Precision of the result: fp16, bf16 or fp32.",
                standard = "fp16",
                also = "save_precision")
        Written written,

        @Setting(
                value = "naming",
                label = "WHOSE",
                help =
                        "How the tensors of a LoRA or a word are called: kohya is read by every program, diffusers by PEFT without"
                                + " conversion.",
                standard = "kohya")
        LoraNaming naming,

        @Setting(
                value = "keep-ema",
                help = "Write a whole model with its last weights and, beside them, their moving averages.")
        boolean keepAverages,

        @Setting(
                value = "private",
                help = "Say nothing in the file of the pictures' folders and captions.",
                also = "no_metadata")
        boolean confidential,

        @Setting(value = "comment", label = "TEXT", help = "Is written into the file.", also = "training_comment")
        String comment,

        About about,

        @Setting(
                value = "save-every",
                label = "STEPS",
                help = "Write the result so far, under its name and the step. Default: only at the end.",
                also = {"save_every_n_steps", "save_steps"})
        @Nullable
        Integer every,

        @Setting(
                value = "save-every-epochs",
                label = "N",
                help = "The same after so many epochs.",
                also = "save_every_n_epochs")
        @Nullable
        Integer everyEpochs,

        @Setting(
                value = "save-last",
                label = "N",
                help = "Of these files keep only so many. Default: all.",
                also = {"save_last_n_epochs", "checkpoints_total_limit"})
        @Nullable
        Integer kept,

        @Setting(
                value = "save-state-every",
                label = "STEPS",
                help = "Save what is needed to go on so often. Default: every other minute.",
                also = "checkpointing_steps")
        @Nullable
        Integer stateEvery,

        @Setting(
                value = "sample",
                label = "PROMPT",
                help =
                        "Draw this at the end, into the state folder; may be given several times, or be the name of a .txt file"
                                + " with a prompt in each line.",
                also = {"sample_prompts", "validation_prompt", "validation_prompts"})
        List<String> samplePrompts,

        @Setting(
                value = "sample-every",
                label = "STEPS",
                help = "Draw it also every so many steps, and measure on the pictures for --validation.",
                also = {"sample_every_n_steps", "validation_steps", "validate_every_n_steps"})
        @Nullable
        Integer sampleEvery,

        @Setting(
                value = "sample-every-epochs",
                label = "N",
                help = "The same after so many epochs.",
                also = {"sample_every_n_epochs", "validation_epochs", "validate_every_n_epochs"})
        @Nullable
        Integer sampleEveryEpochs,

        @Setting(value = "sample-first", help = "Draw it before the first step, too.", also = "sample_at_first")
        boolean sampleFirst) {

    /** What ModelSpec has to say about a model, which no program can know. */
    public record About(
            @Setting(
                    value = "title",
                    label = "TEXT",
                    help = "The result's title for programs that show one. Default: its file's name.",
                    also = "metadata_title")
            String title,

            @Setting(value = "author", label = "TEXT", help = "Who made it.", also = "metadata_author")
            String author,

            @Setting(value = "description", label = "TEXT", help = "What it is.", also = "metadata_description")
            String description,

            @Setting(value = "license", label = "TEXT", help = "How it may be used.", also = "metadata_license")
            String license,

            @Setting(value = "tags", label = "TEXT", help = "Words to find it by, with commas.", also = "metadata_tags")
            String tags) {
        /** The keys that are given. */
        Map<String, String> metadata() {
            Map<String, String> all = new LinkedHashMap<>();
            all.put("modelspec.title", title);
            all.put("modelspec.author", author);
            all.put("modelspec.description", description);
            all.put("modelspec.license", license);
            all.put("modelspec.tags", tags);
            all.values().removeIf(String::isEmpty);
            return all;
        }
    }

    /** Precisions of floating tensors in a file. */
    public enum Written {
        FP16(DType.F16),
        BF16(DType.BF16),
        FP32(DType.F32);

        private final DType dtype;

        Written(DType dtype) {
            this.dtype = dtype;
        }

        DType dtype() {
            return dtype;
        }
    }

    /** The folder for all that is needed to go on after an interruption. */
    public Path state() {
        return stateFolder != null ? stateFolder : file.resolveSibling(file.getFileName() + ".state");
    }

    /** What the file says it is: its name. */
    String title() {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }

    /** kohya's name for a file that is written on the way. */
    Path at(int step) {
        String name = file.getFileName().toString();
        return file.resolveSibling("%s-step%08d%s".formatted(title(), step, name.substring(title().length())));
    }

    /** Whether a file is due after a step, counted from 1. */
    boolean isDue(int step, int stepsPerEpoch) {
        return falls(every, 1, step) || falls(everyEpochs, stepsPerEpoch, step);
    }

    /** Whether pictures and measurements are due after a step, counted from 1. */
    boolean isSampleDue(int step, int stepsPerEpoch) {
        return falls(sampleEvery, 1, step) || falls(sampleEveryEpochs, stepsPerEpoch, step);
    }

    /** What is drawn; of files in kohya's form each line without the options behind it. */
    List<String> prompts() {
        return samplePrompts.stream().flatMap(TrainingOutput::lines).toList();
    }

    private static Stream<String> lines(String prompt) {
        if (!prompt.endsWith(".txt")) {
            return Stream.of(prompt);
        }
        try {
            return Files.readAllLines(Path.of(prompt)).stream()
                    .map(line -> line.replaceFirst("\\s--\\w.*", "").strip())
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"));
        } catch (IOException e) {
            throw new IllegalArgumentException("the prompts in %s cannot be read: %s".formatted(prompt, e), e);
        }
    }

    /** After how many steps the state is saved; 0 for by the clock. */
    int stateSteps() {
        return stateEvery == null ? 0 : stateEvery;
    }

    private static boolean falls(@Nullable Integer every, int unit, int step) {
        return every != null && every > 0 && step % (every * unit) == 0;
    }
}
