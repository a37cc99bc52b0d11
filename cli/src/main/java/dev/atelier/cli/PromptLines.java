package dev.atelier.cli;

import dev.atelier.diffusion.ScriptText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A file with a prompt in each line, or with options that begin with {@code --}, by our names or those of AUTOMATIC1111's
 * script "Prompts from file".
 */
final class PromptLines {
    private static final Map<String, String> NAMES = Map.of(
            "--negative_prompt", "--negative",
            "--sampler_name", "--sampler",
            "--cfg_scale", "--cfg",
            "--batch_size", "--batch",
            "--n_iter", "--count",
            "--subseed", "--variation-seed",
            "--subseed_strength", "--variation-strength");

    private PromptLines() {}

    /** The arguments of {@code generate} that each line stands for; empty lines are passed over. */
    static List<List<String>> read(Path file) throws IOException {
        List<List<String>> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            if (!line.isBlank()) {
                lines.add(line.strip().startsWith("--") ? options(line.strip()) : List.of("--", line.strip()));
            }
        }
        if (lines.isEmpty()) {
            throw new IllegalArgumentException(file + " has no prompts");
        }
        return lines;
    }

    private static List<String> options(String line) {
        List<String> words = ScriptText.words(line);
        List<String> options = new ArrayList<>();
        List<String> prompt = new ArrayList<>();
        for (int i = 0; i < words.size(); ) {
            String name = NAMES.getOrDefault(words.get(i), words.get(i));
            if (GenerateCommand.MODEL_OPTIONS.contains(name)) {
                throw new IllegalArgumentException(
                        "a line of prompts cannot have %s: all are drawn by one model".formatted(name));
            }
            i++;
            List<String> value = new ArrayList<>();
            while (i < words.size() && !words.get(i).startsWith("--")) {
                value.add(words.get(i++));
            }
            if (name.equals("--prompt")) {
                prompt.addAll(value);
            } else {
                options.add(name);
                if (!value.isEmpty()) {
                    options.add(String.join(" ", value));
                }
            }
        }
        if (!prompt.isEmpty()) {
            options.add("--");
            options.add(String.join(" ", prompt));
        }
        return options;
    }
}
