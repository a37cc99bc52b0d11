package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.MISSING_TENSOR;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_LAYOUT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A model in the form of a folder, as diffusers saves it: one sub-folder for each network. Read as if it were a single file:
 * the tensors get the names, and where they differ the shapes, of the single-file layout.
 */
final class DiffusersFolder {
    /** A word such as "fp16" that tells copies of the same weights apart; group 1 of the patterns below. */
    private static final String VARIANT = "((?:\\.(?!index\\b)[A-Za-z0-9_]+)?)";

    /** What the weights of a network may be called, best first. */
    private static final List<Pattern> WEIGHTS = Stream.of(
                    "(?:diffusion_pytorch_)?model" + VARIANT + "\\.safetensors",
                    "(?:diffusion_pytorch_)?model\\.safetensors\\.index" + VARIANT + "\\.json",
                    "(?:diffusion_pytorch_)?model\\.safetensors" + VARIANT + "\\.index\\.json",
                    "(?:diffusion_pytorch_model|pytorch_model)" + VARIANT + "\\.bin",
                    "(?:diffusion_pytorch_model|pytorch_model)\\.bin\\.index" + VARIANT + "\\.json")
            .map(Pattern::compile)
            .toList();

    /** Variants, best first; one that is not here comes last. The full precision has no word of its own. */
    private static final List<String> VARIANTS = List.of("", ".fp32", ".fp16", ".bf16");

    private static final List<String> NETWORKS =
            List.of(DiffusersModel.TEXT, DiffusersModel.TEXT_2, DiffusersModel.UNET, DiffusersModel.VAE);

    private final Path folder;

    private DiffusersFolder(Path folder) {
        this.folder = folder;
    }

    static Checkpoint read(Path path) {
        return new DiffusersFolder(path).read();
    }

    private Checkpoint read() {
        Optional<Path> single = weights(folder);
        if (single.isPresent() && !Files.isDirectory(folder.resolve(DiffusersModel.UNET))) {
            return Layout.normalize(Checkpoints.open(single.get())); // one network's folder
        }
        if (!Files.isDirectory(folder.resolve(DiffusersModel.UNET))) {
            throw new InvalidCheckpointException(
                    folder,
                    UNKNOWN_LAYOUT,
                    "the folder holds no model in the layout of diffusers (unet, vae, text_encoder)");
        }
        Map<String, Checkpoint> networks = new LinkedHashMap<>();
        List<Path> sources = new ArrayList<>();
        for (String name : NETWORKS) {
            Path network = folder.resolve(name);
            boolean textElsewhere = name.startsWith(DiffusersModel.TEXT)
                    && (networks.containsKey(DiffusersModel.TEXT)
                            || Files.isDirectory(folder.resolve(DiffusersModel.TEXT_2)));
            if (textElsewhere && !Files.isDirectory(network)) {
                continue; // SD 1 and 2 have no second text encoder, XL's refiner no first
            }
            Checkpoint part = Checkpoints.open(weights(network)
                    .orElseThrow(() -> new InvalidCheckpointException(
                            network,
                            MISSING_TENSOR,
                            "the folder holds no weights (%s)"
                                    .formatted(
                                            name.startsWith(DiffusersModel.TEXT)
                                                    ? "model.safetensors"
                                                    : "diffusion_pytorch_model.safetensors"))));
            sources.addAll(part.sources());
            networks.put(name, part);
        }
        return Layout.normalize(Checkpoint.of(sources, DiffusersModel.singleFile(networks), metadata()));
    }

    /** What the configuration files say and tensors cannot, where it is not as in all released models. */
    private Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", "pt");
        ConfigFile unet = config(DiffusersModel.UNET);
        ConfigFile text = config(DiffusersModel.TEXT);
        unet.number("norm_num_groups").ifPresent(groups -> putUnless(32, groups, "atelier.norm_num_groups", metadata));
        putHeads(unet, metadata);
        text.number("num_attention_heads")
                .ifPresent(heads -> putUnless(
                        text.number("hidden_size").orElse(0) / 64,
                        heads,
                        "atelier.text_num_attention_heads",
                        metadata));
        ConfigFile scheduler = ConfigFile.read(folder.resolve("scheduler").resolve("scheduler_config.json"));
        scheduler
                .text("prediction_type")
                .map(type -> type.equals("v_prediction") ? "v" : type)
                .ifPresent(type -> metadata.put(PredictionType.METADATA, type));
        if (scheduler.isTrue("rescale_betas_zero_snr")) {
            metadata.put(PredictionType.ZERO_TERMINAL_SNR, "true");
        }
        return metadata;
    }

    /** diffusers' attention_head_dim is, for these models, the number of heads: one for all levels, or one for each. */
    private static void putHeads(ConfigFile unet, Map<String, String> metadata) {
        List<Integer> heads = unet.numbers("attention_head_dim");
        List<Integer> channels = unet.numbers("block_out_channels");
        boolean perLevel = heads.size() > 1 && heads.size() == channels.size();
        if (heads.size() == 1 && !unet.isTrue("use_linear_projection")) {
            putUnless(8, heads.getFirst(), "atelier.num_attention_heads", metadata);
        } else if (perLevel && heads.stream().allMatch(count -> count > 0)) {
            putUnless(64, channels.getFirst() / heads.getFirst(), "atelier.attention_head_dim", metadata);
        }
    }

    private ConfigFile config(String network) {
        return ConfigFile.read(folder.resolve(network).resolve("config.json"));
    }

    private static void putUnless(int usual, int value, String key, Map<String, String> metadata) {
        if (value != usual) {
            metadata.put(key, Integer.toString(value));
        }
    }

    private record Candidate(Path file, int variant, int form) {}

    /** The file with the weights of a network, or the index of its shards. */
    private static Optional<Path> weights(Path network) {
        if (!Files.isDirectory(network)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(network)) {
            return files.filter(Files::isRegularFile)
                    .sorted()
                    .flatMap(file -> candidate(file).stream())
                    .min(java.util.Comparator.comparingInt(Candidate::variant).thenComparingInt(Candidate::form))
                    .map(Candidate::file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Optional<Candidate> candidate(Path file) {
        for (int form = 0; form < WEIGHTS.size(); form++) {
            var match = WEIGHTS.get(form).matcher(file.getFileName().toString());
            if (match.matches()) {
                int variant = VARIANTS.indexOf(match.group(1));
                return Optional.of(new Candidate(file, variant < 0 ? VARIANTS.size() : variant, form));
            }
        }
        return Optional.empty();
    }
}
