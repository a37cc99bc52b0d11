package dev.atelier.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.dataformat.toml.TomlMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Options of a training in a TOML or YAML file, by the names that they have on the command line or in the scripts of diffusers and kohya. */
final class TrainingConfig {
    private static final long MAX_BYTES = 1 << 20;

    private static final Map<String, String> OTHER_NAMES = Map.ofEntries(
            Map.entry("pretrained_model_name_or_path", "model"),
            Map.entry("instance_data_dir", "data"),
            Map.entry("train_data_dir", "data"),
            Map.entry("in_json", "data"),
            Map.entry("class_data_dir", "class-data"),
            Map.entry("reg_data_dir", "class-data"),
            Map.entry("instance_prompt", "prompt"),
            Map.entry("num_class_images", "class-images"),
            Map.entry("prior_loss_weight", "prior-weight"),
            Map.entry("min_bucket_reso", "min-bucket"),
            Map.entry("max_bucket_reso", "max-bucket"),
            Map.entry("bucket_reso_steps", "bucket-step"),
            Map.entry("bucket_no_upscale", "no-upscale"),
            Map.entry("flip_aug", "flip"),
            Map.entry("random_flip", "flip"),
            Map.entry("masked_loss", "masks"),
            Map.entry("alpha_mask", "masks"),
            Map.entry("shuffle_caption", "shuffle-captions"),
            Map.entry("caption_dropout_rate", "caption-dropout"),
            Map.entry("caption_tag_dropout_rate", "tag-dropout"),
            Map.entry("train_batch_size", "batch"),
            Map.entry("gradient_accumulation_steps", "accumulate"),
            Map.entry("gradient_checkpointing", "checkpointing"),
            Map.entry("max_train_steps", "steps"),
            Map.entry("num_train_epochs", "epochs"),
            Map.entry("max_train_epochs", "epochs"),
            Map.entry("learning_rate", "lr"),
            Map.entry("unet_lr", "lr"),
            Map.entry("text_encoder_lr", "text-lr"),
            Map.entry("learning_rate_te", "text-lr"),
            Map.entry("lr_scheduler", "schedule"),
            Map.entry("lr_warmup_steps", "warmup"),
            Map.entry("lr_power", "lr-power"),
            Map.entry("lr_num_cycles", "cycles"),
            Map.entry("lr_scheduler_power", "lr-power"),
            Map.entry("lr_scheduler_min_lr_ratio", "min-lr"),
            Map.entry("lr_decay_steps", "decay-steps"),
            Map.entry("optimizer_args", "optimizer-arg"),
            Map.entry("proportion_empty_prompts", "caption-dropout"),
            Map.entry("checkpointing_steps", "save-state-every"),
            Map.entry("tokenizer_max_length", "max-token-length"),
            Map.entry("optimizer_type", "optimizer"),
            Map.entry("max_grad_norm", "max-norm"),
            Map.entry("min_snr_gamma", "snr-gamma"),
            Map.entry("debiased_estimation_loss", "debiased"),
            Map.entry("loss_type", "loss"),
            Map.entry("multires_noise_iterations", "multires-noise"),
            Map.entry("multires_noise_discount", "multires-discount"),
            Map.entry("ip_noise_gamma", "input-perturbation"),
            Map.entry("lr_scheduler_num_cycles", "cycles"),
            Map.entry("adam_weight_decay", "weight-decay"),
            Map.entry("scale_v_pred_loss_like_noise_pred", "v-loss-like-noise"),
            Map.entry("v_pred_like_loss", "noise-loss-like-v"),
            Map.entry("adaptive_noise_scale", "adaptive-offset"),
            Map.entry("timestep_bias_multiplier", "bias-timesteps"),
            Map.entry("network_dim", "rank"),
            Map.entry("network_alpha", "alpha"),
            Map.entry("conv_dim", "conv-rank"),
            Map.entry("network_dropout", "lora-dropout"),
            Map.entry("network_train_unet_only", "unet-only"),
            Map.entry("train_text_encoder", "text-encoder"),
            Map.entry("placeholder_token", "word"),
            Map.entry("token_string", "word"),
            Map.entry("initializer_token", "init"),
            Map.entry("init_word", "init"),
            Map.entry("num_vectors", "vectors"),
            Map.entry("num_vectors_per_token", "vectors"),
            Map.entry("save_precision", "dtype"),
            Map.entry("save_every_n_steps", "save-every"),
            Map.entry("sample_every_n_steps", "sample-every"),
            Map.entry("validation_steps", "sample-every"),
            Map.entry("sample_prompts", "sample"),
            Map.entry("validation_prompt", "sample"));

    /** Switches of other programs that are a value of an option here. */
    private static final Map<String, String> SWITCHES = Map.of(
            "v_parameterization", "--prediction=v",
            "offset_noise", "--noise-offset=0.1",
            "use_ema", "--ema=0.9999",
            "use_lion_optimizer", "--optimizer=lion",
            "random_crop", "--crops=4",
            "noise_offset_random_strength", "--random-strength",
            "ip_noise_gamma_random_strength", "--random-strength");

    /** Options of other programs that say what is done here anyway. */
    private static final Set<String> NEEDLESS = Set.of(
            "cache_latents",
            "cache_latents_to_disk",
            "pre_compute_text_embeddings",
            "with_prior_preservation",
            "network_module",
            "save_model_as",
            "caption_extension",
            "center_crop",
            "dataloader_num_workers",
            "enable_xformers_memory_efficient_attention",
            "max_data_loader_n_workers",
            "mem_eff_attn",
            "no_half_vae",
            "persistent_data_loader_workers",
            "report_to",
            "log_with",
            "save_state",
            "save_state_on_train_end",
            "sdpa",
            "set_grads_to_none",
            "v2",
            "vae_batch_size",
            "xformers",
            "use_safetensors");

    private TrainingConfig() {}

    /**
     * The file as arguments of the command. Tables only group options.
     *
     * @throws IllegalArgumentException naming the file and the option that the command does not have
     */
    static List<String> arguments(Path file, CommandSpec command) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new IllegalArgumentException("%s has more than %d bytes".formatted(file, MAX_BYTES));
        }
        List<String> arguments = new ArrayList<>();
        try {
            Map<String, String> adam = new HashMap<>();
            add(mapper(file).readTree(Files.readString(file)), file, command, arguments, adam);
            addConstants(adam, arguments);
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "%s, line %d: %s".formatted(file, e.getLocation().getLineNr(), e.getOriginalMessage()), e);
        }
        return arguments;
    }

    private static ObjectMapper mapper(Path file) {
        return file.getFileName().toString().matches("(?i).*\\.ya?ml") ? new YAMLMapper() : new TomlMapper();
    }

    /** diffusers' constants of Adam as PyTorch has them. */
    private static void addConstants(Map<String, String> adam, List<String> arguments) {
        if (adam.containsKey("adam_beta1") || adam.containsKey("adam_beta2")) {
            arguments.add("--optimizer-arg=betas=%s,%s"
                    .formatted(adam.getOrDefault("adam_beta1", "0.9"), adam.getOrDefault("adam_beta2", "0.999")));
        }
        if (adam.containsKey("adam_epsilon")) {
            arguments.add("--optimizer-arg=eps=" + adam.get("adam_epsilon"));
        }
    }

    private static void add(
            JsonNode table, Path file, CommandSpec command, List<String> arguments, Map<String, String> adam) {
        table.properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            if (value.isObject()) {
                add(value, file, command, arguments, adam);
            } else if (entry.getKey().equals("enable_bucket")) {
                arguments.add("--no-buckets=" + !value.asBoolean());
            } else if (SWITCHES.containsKey(entry.getKey())) {
                if (value.asBoolean()) {
                    arguments.add(SWITCHES.getOrDefault(entry.getKey(), ""));
                }
            } else if (value.isString()
                    && value.asString().equals("no")
                    && entry.getKey().equals("mixed_precision")) {
                arguments.add("--mixed-precision=full");
            } else if (entry.getKey().equals("prediction_type")) {
                arguments.add("--prediction=" + value.asString().replace("_prediction", ""));
            } else if (entry.getKey().matches("adam_(epsilon|beta1|beta2)")) {
                adam.put(entry.getKey(), value.asString());
            } else if (!NEEDLESS.contains(entry.getKey())) {
                String option = option(entry.getKey(), file, command);
                if (value.isArray()) {
                    value.forEach(each -> arguments.add(option + "=" + each.asString()));
                } else {
                    arguments.add(option + "=" + value.asString());
                }
            }
        });
    }

    private static String option(String name, Path file, CommandSpec command) {
        String own = "--" + OTHER_NAMES.getOrDefault(name, name.replace('_', '-'));
        if (command.findOption(own) == null || own.equals("--config")) {
            throw new IllegalArgumentException("%s: there is no option \"%s\"; '%s --help' lists them"
                    .formatted(file, name, command.qualifiedName()));
        }
        return own;
    }
}
