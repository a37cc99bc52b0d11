package dev.atelier.training.setting;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
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

    /** Options of other programs that say what is done here anyway. */
    private static final Set<String> NEEDLESS = Set.of(
            "cache_info",
            "cache_latents",
            "cache_latents_to_disk",
            "cache_text_encoder_outputs",
            "cache_text_encoder_outputs_to_disk",
            "caption_extension",
            "center_crop",
            "dataloader_num_workers",
            "enable_xformers_memory_efficient_attention",
            "highvram",
            "log_with",
            "logging_dir",
            "lowram",
            "max_data_loader_n_workers",
            "mem_eff_attn",
            "network_module",
            "no_half_vae",
            "persistent_data_loader_workers",
            "pre_compute_text_embeddings",
            "prior_generation_precision",
            "report_to",
            "sample_batch_size",
            "save_model_as",
            "save_state",
            "save_state_on_train_end",
            "sdpa",
            "set_grads_to_none",
            "skip_cache_check",
            "text_encoder_batch_size",
            "use_safetensors",
            "v2",
            "vae_batch_size",
            "with_prior_preservation",
            "xformers");

    /** Options there that are one here together with others, or the opposite of one. */
    private static final Pattern OTHERS =
            Pattern.compile("adam_(epsilon|beta1|beta2)|output_(dir|name)|enable_bucket|(down|mid|up)_lr_weight");

    /** Values that are called otherwise there. */
    private static final Map<String, String> VALUES =
            Map.of("no", "full", "float", "fp32", "v_prediction", "v", "AdamW", "adamw", "SGDNesterov", "sgd");

    /** @param value of a switch there that is this value here */
    private record Target(SettingOption option, @Nullable String value) {}

    private final Path file;
    private final Map<String, Target> known = new HashMap<>();
    private final Map<String, List<String>> given = new LinkedHashMap<>();
    private final Map<String, String> others = new HashMap<>();

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
        if (Files.size(file) > MAX_BYTES) {
            throw new IllegalArgumentException("%s has more than %d bytes".formatted(file, MAX_BYTES));
        }
        SettingsFile read = new SettingsFile(file, options);
        try {
            read.add(mapper(file).readTree(Files.readString(file)));
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "%s, line %d: %s".formatted(file, e.getLocation().getLineNr(), e.getOriginalMessage()), e);
        }
        read.addOthers();
        return new Settings(read.given);
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
            throw new IllegalArgumentException(
                    "%s: there is no option \"%s\"; the command's --help lists them".formatted(file, name));
        }
        String own = target.option.setting().value();
        if (target.value == null) {
            given.put(
                    own,
                    values.stream()
                            .map(value -> VALUES.getOrDefault(value, value))
                            .toList());
        } else if (Boolean.parseBoolean(values.getFirst())) {
            given.put(own, List.of(target.value));
        }
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
        if (!constants.isEmpty()) {
            given.put("optimizer-arg", constants);
        }
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
}
