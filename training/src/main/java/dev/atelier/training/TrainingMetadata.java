package dev.atelier.training;

import dev.atelier.checkpoint.PredictionType;
import dev.atelier.engine.torch.Adapter;
import dev.atelier.model.Family;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.TrainingPicture;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a trained file says about itself: kohya's {@code ss_} keys, as far as programs show them, Stability AI's ModelSpec, and the
 * whole plan.
 */
final class TrainingMetadata {
    private TrainingMetadata() {}

    static Map<String, String> of(
            StableDiffusion model,
            PredictionType prediction,
            TrainingPlan plan,
            String settings,
            List<TrainingPicture> pictures,
            int step) {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("ss_output_name", plan.output().title());
        all.put("ss_base_model_version", baseModel(model.family(), prediction));
        all.put("ss_v2", model.family() == Family.SD2 ? "True" : "False");
        Path base = model.checkpoint().name().getFileName();
        all.put("ss_sd_model_name", base == null ? "" : base.toString());
        if (plan.method() instanceof TrainingMethod.Lora lora) {
            all.put("ss_network_module", lora.form() == Adapter.Form.LORA ? "networks.lora" : "lycoris.kohya");
            all.put("ss_network_dim", Integer.toString(lora.rank()));
            all.put("ss_network_alpha", Double.toString(lora.alpha()));
            Map<String, String> arguments = arguments(lora);
            if (!arguments.isEmpty()) {
                all.put("ss_network_args", json(arguments));
            }
        }
        all.put("ss_learning_rate", Double.toString(plan.course().rate()));
        all.put("ss_optimizer", plan.course().optimizerSettings().getClass().getSimpleName());
        all.put("ss_steps", Integer.toString(step));
        all.put(
                "ss_num_train_images",
                Integer.toString(
                        pictures.stream().mapToInt(TrainingPicture::repeats).sum()));
        all.put(
                "ss_total_batch_size",
                Integer.toString(plan.course().batch() * plan.course().accumulation()));
        all.put("ss_gradient_accumulation_steps", Integer.toString(plan.course().accumulation()));
        TrainingData.Size size = plan.data().size(model.nativeSize());
        all.put("ss_resolution", "(%d, %d)".formatted(size.width(), size.height()));
        all.put("ss_clip_skip", Integer.toString(plan.objective().clipSkip()));
        all.put("ss_seed", Long.toString(plan.course().seed()));
        if (!plan.output().comment().isEmpty()) {
            all.put("ss_training_comment", plan.output().comment());
        }
        if (plan.objective().zeroSnr()) {
            all.put("ss_zero_terminal_snr", "True");
            all.put(PredictionType.ZERO_TERMINAL_SNR, "true");
        }
        if (!plan.output().confidential()) {
            all.put("ss_tag_frequency", json(tags(pictures)));
            all.put("ss_dataset_dirs", json(folders(pictures)));
        }
        all.put("modelspec.sai_model_spec", "1.0.1");
        all.put("modelspec.architecture", architecture(model.family(), prediction) + suffix(plan.method()));
        all.put("modelspec.title", plan.output().title());
        all.put("modelspec.date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        all.put("modelspec.resolution", "%dx%d".formatted(size.width(), size.height()));
        all.put("modelspec.prediction_type", prediction == PredictionType.V ? "v" : "epsilon");
        all.putAll(plan.output().about().metadata());
        all.put("atelier.training", settings);
        return all;
    }

    /** How kohya's scripts are told the same. */
    private static Map<String, String> arguments(TrainingMethod.Lora lora) {
        Map<String, String> all = new LinkedHashMap<>();
        switch (lora.form()) {
            case LORA -> {}
            case DORA -> {
                all.put("algo", "locon");
                all.put("dora_wd", "True");
            }
            case LOHA -> all.put("algo", "loha");
            case LOKR -> {
                all.put("algo", "lokr");
                all.put("factor", Integer.toString(lora.factor()));
            }
        }
        if (lora.convolutionRank() > 0) {
            all.put("conv_dim", Integer.toString(lora.convolutionRank()));
            all.put("conv_alpha", Double.toString(lora.convolutionAlpha()));
        }
        return all;
    }

    private static String suffix(TrainingMethod method) {
        return switch (method) {
            case TrainingMethod.Weights _ -> "";
            case TrainingMethod.Lora _ -> "/lora";
            case TrainingMethod.Word _ -> "/textual-inversion";
        };
    }

    private static String baseModel(Family family, PredictionType prediction) {
        return switch (family) {
            case SD1 -> "sd_v1";
            case SD2 -> prediction == PredictionType.V ? "sd_v2_v" : "sd_v2";
            case SDXL, SDXL_REFINER -> "sdxl_base_v1-0";
        };
    }

    private static String architecture(Family family, PredictionType prediction) {
        return switch (family) {
            case SD1 -> "stable-diffusion-v1";
            case SD2 -> prediction == PredictionType.V ? "stable-diffusion-v2-768-v" : "stable-diffusion-v2-512";
            case SDXL, SDXL_REFINER -> "stable-diffusion-xl-v1-base";
        };
    }

    private static String folder(TrainingPicture picture) {
        Path folder = picture.file().toAbsolutePath().getParent();
        return folder == null || folder.getFileName() == null
                ? ""
                : folder.getFileName().toString();
    }

    /** How often each tag stands in the captions of each folder. */
    private static Map<String, Map<String, Integer>> tags(List<TrainingPicture> pictures) {
        Map<String, Map<String, Integer>> all = new TreeMap<>();
        for (TrainingPicture picture : pictures) {
            Map<String, Integer> counts = all.computeIfAbsent(folder(picture), _ -> new TreeMap<>());
            for (String tag : picture.plainCaption().split(",", -1)) {
                if (!tag.isBlank()) {
                    counts.merge(tag.strip().toLowerCase(Locale.ROOT), 1, Integer::sum);
                }
            }
        }
        return all;
    }

    private static Map<String, Map<String, Integer>> folders(List<TrainingPicture> pictures) {
        Map<String, Map<String, Integer>> all = new TreeMap<>();
        for (TrainingPicture picture : pictures) {
            Map<String, Integer> folder = all.computeIfAbsent(folder(picture), _ -> new TreeMap<>());
            folder.put("n_repeats", picture.repeats());
            folder.merge("img_count", 1, Integer::sum);
        }
        return all;
    }

    private static String json(Object value) {
        return JsonMapper.shared().writeValueAsString(value);
    }
}
