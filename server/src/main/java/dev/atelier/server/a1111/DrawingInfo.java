package dev.atelier.server.a1111;

import dev.atelier.Atelier;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.worker.GenerateResult;
import dev.atelier.server.worker.GenerateTask;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The {@code info} of an answer: what was drawn, in AUTOMATIC1111's words. */
record DrawingInfo(Options options, DrawingTasks tasks) {
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMddHHmmss");

    /** What a request has become. */
    record Drawn(Values values, GenerateTask task, GenerateResult result) {}

    /** Of one request, or of all that a script has made of it; what they have in common is the first's. */
    Map<String, @Nullable Object> of(List<Drawn> all) {
        Values values = all.getFirst().values();
        GenerateTask task = all.getFirst().task();
        Optional<ModelFile> model = options.find(tasks.model(values));
        List<GenerateResult.Image> images =
                all.stream().flatMap(one -> one.result().images().stream()).toList();
        int count = images.size();
        String prompt = tasks.prompt(values);
        String negative = tasks.negativePrompt(values);
        long subseed = values.integer("subseed", -1);
        Map<String, @Nullable Object> info = new LinkedHashMap<>();
        info.put("prompt", prompt);
        info.put("all_prompts", each(all, tasks::prompt));
        info.put("negative_prompt", negative);
        info.put("all_negative_prompts", each(all, tasks::negativePrompt));
        info.put("seed", task.seed());
        info.put("all_seeds", images.stream().map(GenerateResult.Image::seed).toList());
        info.put("subseed", subseed);
        info.put("all_subseeds", times(count, subseed));
        info.put("subseed_strength", values.number("subseed_strength", 0));
        info.put("width", task.width());
        info.put("height", task.height());
        info.put("sampler_name", task.sampler());
        info.put("cfg_scale", task.cfgScale());
        info.put("steps", task.steps());
        info.put("batch_size", task.batchSize());
        info.put("restore_faces", values.isTrue("restore_faces"));
        info.put("face_restoration_model", null);
        info.put("sd_model_name", model.map(ModelFile::stem).orElse(task.model()));
        info.put("sd_model_hash", model.map(ModelFile::shortHash).orElse(null));
        info.put(
                "sd_vae_name",
                options.vae(values.json("override_settings"))
                        .map(vae -> String.valueOf(vae.path().getFileName()))
                        .orElse(null));
        info.put("sd_vae_hash", null);
        info.put("seed_resize_from_w", values.integer("seed_resize_from_w"));
        info.put("seed_resize_from_h", values.integer("seed_resize_from_h"));
        info.put("denoising_strength", values.number("denoising_strength"));
        info.put("extra_generation_params", Map.of());
        info.put("index_of_first_image", 0);
        info.put(
                "infotexts", images.stream().map(GenerateResult.Image::infotext).toList());
        info.put("styles", DrawingTasks.styles(values));
        info.put("job_timestamp", LocalDateTime.now(ZoneId.systemDefault()).format(TIMESTAMP));
        info.put("clip_skip", task.clipSkip() == null ? 1 : task.clipSkip());
        info.put("is_using_inpainting_conditioning", false);
        info.put("version", Atelier.version());
        List<String> notes = Stream.concat(
                        options.idle(values.json("override_settings")).stream(),
                        all.stream().flatMap(one -> one.result().notes().stream()))
                .distinct()
                .toList();
        if (!notes.isEmpty()) {
            info.put("comments", notes);
        }
        return info;
    }

    /** For each picture. */
    private static List<String> each(List<Drawn> all, Function<Values, String> text) {
        return all.stream()
                .flatMap(one -> times(one.result().images().size(), text.apply(one.values())).stream())
                .toList();
    }

    private static <T> List<T> times(int count, T value) {
        return Collections.nCopies(count, value);
    }
}
