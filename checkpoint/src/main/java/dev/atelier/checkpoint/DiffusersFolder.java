package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.MISSING_TENSOR;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_LAYOUT;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Stable Diffusion 1.x model in the form of a folder, as diffusers saves it: one sub-folder for each network. Read as if it
 * were a single file: the tensors get the names, and where they differ the shapes, of the single-file layout.
 */
final class DiffusersFolder {
    /** Where a component's weights may lie, best first; {@code %s} is a variant such as ".fp16" or nothing. */
    private static final List<String> VARIANTS = List.of("", ".fp16", ".bf16", ".non_ema");

    private static final List<String> NETWORK_FILES = List.of(
            "diffusion_pytorch_model%s.safetensors",
            "diffusion_pytorch_model.safetensors.index%s.json", "diffusion_pytorch_model%s.bin");
    private static final List<String> TEXT_FILES =
            List.of("model%s.safetensors", "model.safetensors.index%s.json", "pytorch_model%s.bin");

    /** Transformers has had the level {@code text_model}, and from version 5 on has it no more. */
    private static final Pattern TEXT_TENSOR =
            Pattern.compile("(text_model\\.)?(embeddings|encoder|final_layer_norm)\\..+");

    private interface Naming {
        Optional<String> singleFileName(String name, Set<String> all);
    }

    private final Path folder;
    private final List<Path> sources = new ArrayList<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private DiffusersFolder(Path folder) {
        this.folder = folder;
    }

    static Checkpoint read(Path path) {
        DiffusersFolder folder = new DiffusersFolder(path);
        if (!Files.isDirectory(path.resolve("unet"))) {
            throw new InvalidCheckpointException(
                    path,
                    UNKNOWN_LAYOUT,
                    "the folder holds no model in the layout of diffusers (unet, vae, text_encoder)");
        }
        if (Files.isDirectory(path.resolve("text_encoder_2"))) {
            throw new InvalidCheckpointException(
                    path,
                    UNKNOWN_LAYOUT,
                    "it is a Stable Diffusion XL folder; folders of Stable Diffusion 1.x are read so far");
        }
        folder.add(
                "text_encoder",
                TEXT_FILES,
                Component.TEXT_ENCODER.prefix() + "transformer.",
                (name, all) -> Optional.of(name).filter(TEXT_TENSOR.asMatchPredicate()));
        folder.add("unet", NETWORK_FILES, Component.UNET.prefix(), DiffusersNames::unet);
        folder.add("vae", NETWORK_FILES, Component.VAE.prefix(), DiffusersNames::vae);
        return Layout.normalize(Checkpoint.of(folder.sources, folder.tensors, folder.metadata()));
    }

    /** What the configuration files say and tensors cannot, where it is not as in all released models. */
    private Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", "pt");
        JsonNumbers unet = JsonNumbers.read(folder.resolve("unet").resolve("config.json"));
        JsonNumbers text = JsonNumbers.read(folder.resolve("text_encoder").resolve("config.json"));
        unet.find("norm_num_groups").ifPresent(groups -> putUnless(32, groups, "atelier.norm_num_groups", metadata));
        // diffusers' attention_head_dim is, for these models, the number of heads
        unet.find("attention_head_dim")
                .ifPresent(heads -> putUnless(8, heads, "atelier.num_attention_heads", metadata));
        text.find("num_attention_heads")
                .ifPresent(heads -> putUnless(
                        text.find("hidden_size").orElse(0) / 64, heads, "atelier.text_num_attention_heads", metadata));
        return metadata;
    }

    private static void putUnless(int usual, int value, String key, Map<String, String> metadata) {
        if (value != usual) {
            metadata.put(key, Integer.toString(value));
        }
    }

    private void add(String component, List<String> files, String prefix, Naming naming) {
        Checkpoint part = Checkpoints.open(weights(folder.resolve(component), files));
        sources.addAll(part.sources());
        Set<String> all = part.tensors().keySet();
        part.tensors().forEach((name, tensor) -> {
            String singleFileName = naming.singleFileName(name, all)
                    .orElseThrow(() -> new InvalidCheckpointException(
                            part.name(),
                            UNKNOWN_LAYOUT,
                            "the tensor \"%s\" has no place in a single-file checkpoint".formatted(name)));
            tensors.put(
                    prefix + singleFileName, component.equals("vae") ? asConvolution(singleFileName, tensor) : tensor);
        });
    }

    private static Path weights(Path component, List<String> files) {
        Stream<Path> candidates = VARIANTS.stream()
                .flatMap(variant -> files.stream().map(file -> component.resolve(file.formatted(variant))));
        return candidates
                .filter(Files::isRegularFile)
                .findFirst()
                .orElseThrow(() -> new InvalidCheckpointException(
                        component,
                        MISSING_TENSOR,
                        "the folder holds no weights (%s)"
                                .formatted(files.getFirst().formatted(""))));
    }

    /** The projections of the VAE's attention are 1×1 convolutions in single files and matrices in diffusers. */
    private static Tensor asConvolution(String name, Tensor tensor) {
        Shape shape = tensor.shape();
        return name.contains(".attn_1.") && name.endsWith(".weight") && shape.rank() == 2
                ? new ReshapedTensor(tensor, Shape.of(shape.size(0), shape.size(1), 1, 1))
                : tensor;
    }
}
