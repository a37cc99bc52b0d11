package dev.atelier.training.setting;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.dataformat.toml.TomlMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Options in a TOML or YAML file, by their names here or in the scripts of diffusers and kohya. Tables only group them. */
public final class SettingsFile {
    private static final long MAX_BYTES = 1 << 20;
    private static final int TIMESTEPS = 1000;

    /** Options of other programs that say what is done here anyway, or are about their own machinery. */
    private static final Set<String> NEEDLESS = names("""
            allow_tf32 cache_dir cache_info cache_latents cache_latents_to_disk cache_text_encoder_outputs
            cache_text_encoder_outputs_to_disk caption_column caption_extension caption_extention center_crop config_file
            console_log_file console_log_level console_log_simple
            dataloader_num_workers ddp_gradient_as_bucket_view ddp_static_graph ddp_timeout diffusers_xformers dim_from_weights
            disable_mmap_load_safetensors dynamo_backend enable_npu_flash_attention enable_xformers_memory_efficient_attention
            foreach_ema highvram image_column local_rank log_config log_prefix log_tracker_config log_tracker_name log_with
            logging_dir lowram max_data_loader_n_workers mem_eff_attn network_module no_half_vae no_safe_serialization
            non_ema_revision num_validation_images offload_ema output_config persistent_data_loader_workers
            pre_compute_text_embeddings prior_generation_precision report_to revision sample_batch_size sample_sampler
            save_last_n_epochs_state save_last_n_steps_state save_model_as save_state save_state_on_train_end sdpa
            set_grads_to_none skip_cache_check text_encoder_batch_size tokenizer_cache_dir tokenizer_name tracker_project_name
            use_safetensors v2 vae_batch_size validation_scheduler validation_seed variant wandb_run_name with_prior_preservation
            xformers zero3_init_flag zero3_save_16bit_model zero_stage""");

    /** Options of kohya's and diffusers' scripts that there are none for here: what they ask for is refused, unless it is nothing. */
    private static final Set<String> MISSING = names("""
            adam_weight_decay_text_encoder async_upload base_weights base_weights_multiplier blocks_to_swap caption_separator
            class_labels_conditioning color_aug conditioning_data_dir cpu_offload_checkpointing custom_attributes dataset_class
            dataset_config_name dataset_name debug_dataset debug_loss deepspeed do_edm_style_training
            face_crop_aug_range fp16_master_weights_and_gradients fp8_base fp8_base_unet full_bf16 full_fp16 fused_backward_pass
            fused_optimizer_groups hub_model_id hub_token huggingface_path_in_repo huggingface_repo_id huggingface_repo_type
            huggingface_repo_visibility huggingface_token image_interpolation_mode initial_epoch initial_step
            lr_scheduler_args lr_scheduler_type max_train_samples max_validation_steps network_multiplier no_token_padding
            output_kohya_format pretrained_vae_model_name_or_path push_to_hub resize_interpolation resume resume_from_checkpoint
            resume_from_huggingface save_as_full_pipeline save_last_n_steps save_n_epoch_ratio save_state_to_huggingface
            skip_save_text_encoder skip_until_initial_step text_encoder_use_attention_mask torch_compile
            vae validation_images wandb_api_key weighted_captions""");

    /** Values of these by which they ask for nothing, or for what is done here. */
    private static final Set<String> NOTHING =
            Set.of("", "0", "0.0", "1.0", ",", "false", "none", "lanczos", "latest", "private", "model");

    /** Options there that are one here together with others, or the opposite of one. */
    private static final Pattern OTHERS = Pattern.compile(
            "adam_(epsilon|beta1|beta2)|prodigy_(beta3|decouple|use_bias_correction|safeguard_warmup)|output_(dir|name)"
                    + "|enable_bucket|is_reg|(down|mid|up)_lr_weight|learning_rate_te[12]"
                    + "|timestep_bias_(strategy|begin|end|portion)");

    /** Values that are called otherwise there. */
    private static final Map<String, String> VALUES = Map.of(
            "no",
            "full",
            "float",
            "fp32",
            "v_prediction",
            "v",
            "AdamW",
            "adamw",
            "SGDNesterov",
            "sgd",
            "locon",
            "lora");

    /** @param value of a switch there that is this value here */
    private record Target(SettingOption option, @Nullable String value) {}

    /**
     * One of several folders of pictures.
     *
     * @param ofClass whether they are of the class that a subject belongs to
     */
    public record Subset(Settings settings, boolean ofClass) {}

    private static Set<String> names(String text) {
        return Set.of(text.strip().split("\\s+"));
    }

    private final Path file;
    private final Map<String, Target> known = new HashMap<>();
    private final Map<String, List<String>> given = new LinkedHashMap<>();
    private final Map<String, String> others = new HashMap<>();
    private final Set<String> bySwitch = new HashSet<>(); // of those in given

    private SettingsFile(Path file, Collection<SettingOption> options) {
        this.file = file;
        for (SettingOption option : options) {
            String own = option.setting().value();
            known.put(own, new Target(option, null));
            known.put(own.replace('-', '_'), new Target(option, null));
            for (String other : option.setting().also()) {
                String[] parts = other.split("=", 2);
                known.put(parts[0], new Target(option, parts.length > 1 ? parts[1] : null));
            }
        }
    }

    /**
     * What a file says.
     *
     * @throws IllegalArgumentException naming the file and the line that cannot be read, or the option that there is not
     */
    public static Settings read(Path file, Collection<SettingOption> options) throws IOException {
        return new SettingsFile(file, options).table(tree(file));
    }

    /**
     * What a file in the form of kohya's {@code dataset_config} says of each folder of pictures: {@code [general]} for all,
     * {@code [[datasets]]}, and in each {@code [[datasets.subsets]]}.
     *
     * @throws IllegalArgumentException as {@link #read}, or if the file cannot be read
     */
    public static List<Subset> subsets(Path file, Collection<SettingOption> options) {
        try {
            JsonNode root = tree(file);
            Settings general = new SettingsFile(file, options).table(root.path("general"));
            List<Subset> subsets = new ArrayList<>();
            for (JsonNode dataset : root.path("datasets")) {
                Settings common = new SettingsFile(file, options).table(dataset).or(general);
                for (JsonNode subset : dataset.path("subsets")) {
                    SettingsFile own = new SettingsFile(file, options);
                    Settings settings = own.table(subset).or(common);
                    subsets.add(new Subset(settings, Boolean.parseBoolean(own.others.get("is_reg"))));
                }
            }
            return subsets;
        } catch (IOException e) {
            throw new IllegalArgumentException("%s cannot be read: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static JsonNode tree(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new IllegalArgumentException("%s has more than %d bytes".formatted(file, MAX_BYTES));
        }
        try {
            return mapper(file).readTree(Files.readString(file));
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "%s, line %d: %s".formatted(file, e.getLocation().getLineNr(), e.getOriginalMessage()), e);
        }
    }

    private Settings table(JsonNode table) {
        add(table);
        addOthers();
        return new Settings(given);
    }

    private static ObjectMapper mapper(Path file) {
        return file.getFileName().toString().matches("(?i).*\\.ya?ml") ? new YAMLMapper() : new TomlMapper();
    }

    private void add(JsonNode table) {
        table.properties().forEach(entry -> {
            String name = entry.getKey();
            JsonNode value = entry.getValue();
            if (value.isObject()) {
                add(value);
            } else if (name.equals("subsets")) {
                return; // each is a table of its own
            } else if (name.equals("network_args")) {
                value.forEach(each -> add(each.asString().split("=", 2)));
            } else if (OTHERS.matcher(name).matches()) {
                others.put(name, value.asString());
            } else if (!NEEDLESS.contains(name)) {
                List<String> values = new ArrayList<>();
                (value.isArray() ? value : List.of(value)).forEach(each -> values.add(each.asString()));
                add(name, values);
            }
        });
    }

    private void add(String[] pair) {
        String value = pair.length > 1 ? pair[1] : "true";
        if (OTHERS.matcher(pair[0]).matches()) {
            others.put(pair[0], value);
        } else {
            add(pair[0], List.of(value));
        }
    }

    private void add(String name, List<String> values) {
        Target target = known.get(name);
        if (target == null) {
            if (MISSING.contains(name) && NOTHING.containsAll(lowerCase(values))) {
                return;
            }
            throw new IllegalArgumentException(
                    "%s: there is no option \"%s\"; the command's --help lists them".formatted(file, name));
        }
        if (values.equals(List.of(""))) {
            return; // not given
        }
        if (target.value == null) {
            List<String> each = values.stream()
                    .map(value -> VALUES.getOrDefault(value, value))
                    .toList();
            put(target.option, target.option.isRepeated() ? each : List.of(String.join(",", each)), false);
        } else if (Boolean.parseBoolean(values.getFirst())) {
            put(target.option, List.of(target.value), true);
        }
    }

    /**
     * Where an option is named and a switch says another value of it, what is not the standard counts; of two such the named one, if it
     * is a number.
     *
     * @param switched whether it is a switch that says so
     */
    private void put(SettingOption option, List<String> values, boolean switched) {
        String own = option.setting().value();
        List<String> before = given.get(own);
        if (before != null && switched != bySwitch.contains(own) && !before.equals(values)) {
            List<String> named = switched ? before : values;
            boolean isStandard = named.equals(List.of(option.setting().standard()));
            if (!isStandard && option.type().isEnum()) {
                throw new IllegalArgumentException("%s: --%s is to be %s and %s; there is no such thing here"
                        .formatted(file, own, before.getFirst(), values.getFirst()));
            }
            if (isStandard != switched) {
                return;
            }
        }
        given.put(own, values);
        if (switched) {
            bySwitch.add(own);
        } else {
            bySwitch.remove(own);
        }
    }

    private static List<String> lowerCase(List<String> values) {
        return values.stream().map(value -> value.toLowerCase(Locale.ROOT)).toList();
    }

    /** What stands in two options there and in one here, or the other way round. */
    private void addOthers() {
        List<String> constants = new ArrayList<>(given.getOrDefault("optimizer-arg", List.of()));
        if (others.containsKey("adam_beta1") || others.containsKey("adam_beta2")) {
            constants.add("betas=%s,%s"
                    .formatted(others.getOrDefault("adam_beta1", "0.9"), others.getOrDefault("adam_beta2", "0.999")));
        }
        if (others.containsKey("adam_epsilon")) {
            constants.add("eps=" + others.get("adam_epsilon"));
        }
        if (given.getOrDefault("optimizer", List.of()).contains("prodigy")) {
            others.forEach((name, value) -> {
                if (name.startsWith("prodigy_")) {
                    constants.add(name.substring("prodigy_".length()) + "=" + value);
                }
            });
        }
        if (!constants.isEmpty()) {
            given.put("optimizer-arg", constants);
        }
        if (others.containsKey("learning_rate_te1") && others.containsKey("learning_rate_te2")) {
            given.put("text-lr", List.of(others.get("learning_rate_te1") + "," + others.get("learning_rate_te2")));
        }
        addTimestepBias();
        if (others.containsKey("output_name")) {
            Path folder = Path.of(others.getOrDefault("output_dir", ""));
            given.put(
                    "output",
                    List.of(folder.resolve(others.get("output_name") + ".safetensors")
                            .toString()));
        }
        if (others.containsKey("down_lr_weight") && others.containsKey("up_lr_weight")) {
            String middle = others.getOrDefault("mid_lr_weight", "1");
            given.put(
                    "block-lr",
                    List.of(others.get("down_lr_weight") + "," + middle + "," + others.get("up_lr_weight")));
        }
        if (others.containsKey("enable_bucket")) {
            given.put("no-buckets", List.of(Boolean.toString(!Boolean.parseBoolean(others.get("enable_bucket")))));
        }
    }

    /** Which timesteps are as many times as likely as {@code timestep_bias_multiplier} says. */
    private void addTimestepBias() {
        String strategy = others.getOrDefault("timestep_bias_strategy", "");
        int portion = (int) (Double.parseDouble(others.getOrDefault("timestep_bias_portion", "0.25")) * TIMESTEPS);
        switch (strategy) {
            case "none" -> given.remove("bias-timesteps");
            case "earlier" -> given.put("max-timestep", List.of(Integer.toString(portion)));
            case "later" -> given.put("min-timestep", List.of(Integer.toString(TIMESTEPS - portion)));
            case "range" -> {
                given.put("min-timestep", List.of(others.getOrDefault("timestep_bias_begin", "0")));
                given.put("max-timestep", List.of(others.getOrDefault("timestep_bias_end", "1000")));
            }
            default -> {}
        }
    }
}
