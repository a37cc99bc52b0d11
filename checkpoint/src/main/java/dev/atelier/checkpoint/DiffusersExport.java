package dev.atelier.checkpoint;

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
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A whole model as the folder that diffusers' {@code from_pretrained} opens: the networks under diffusers' names, the
 * configuration of each (derived from the tensors), the scheduler and {@code model_index.json}.
 */
public final class DiffusersExport {
    private static final Pattern RESBLOCK = Pattern.compile("transformer\\.resblocks\\.(\\d{1,4})\\..+");

    private interface Naming {
        Optional<String> diffusersName(String name, Set<String> all);
    }

    private final Checkpoint model;
    private final DiffusersConfig config;
    private final Map<String, Map<String, Tensor>> networks = new LinkedHashMap<>();
    private final List<String> leftOut = new ArrayList<>();

    private DiffusersExport(Checkpoint model) {
        this.model = model;
        this.config = DiffusersConfig.of(model);
    }

    /**
     * Plans the folder; computes nothing.
     *
     * @throws InvalidCheckpointException if {@code checkpoint} is not a whole model of Stable Diffusion 1, 2 or XL, or holds a tensor
     *     of one of its networks that diffusers has no name for
     */
    public static DiffusersExport of(Checkpoint checkpoint) {
        DiffusersExport export = new DiffusersExport(Layout.normalize(checkpoint));
        export.addTextEncoders();
        export.add(DiffusersModel.UNET, Component.UNET.prefix(), SingleFileNames::unet);
        Map<String, Tensor> vae = export.add(DiffusersModel.VAE, Component.VAE.prefix(), SingleFileNames::vae);
        vae.replaceAll(DiffusersExport::asMatrix);
        export.noteTheRest();
        return export;
    }

    /** The tensors that diffusers has no place for, by name: nothing that a picture needs. */
    public List<String> leftOut() {
        return List.copyOf(leftOut);
    }

    /** How many tensors the folder holds. */
    public int tensors() {
        return networks.values().stream().mapToInt(Map::size).sum();
    }

    /** The size of all tensors together. */
    public long byteSize() {
        return networks.values().stream()
                .flatMap(network -> network.values().stream())
                .mapToLong(Tensor::byteSize)
                .sum();
    }

    /** The pad token of each tokenizer that the model needs, by the name of its folder. */
    public Map<String, String> tokenizers() {
        Map<String, String> pads = new LinkedHashMap<>();
        if (networks.containsKey(DiffusersModel.TEXT)) {
            // OpenCLIP pads with the id 0, which is "!"
            pads.put("tokenizer", config.isSd2() ? "!" : "<|endoftext|>");
        }
        if (networks.containsKey(DiffusersModel.TEXT_2)) {
            pads.put("tokenizer_2", "!");
        }
        return pads;
    }

    /**
     * Writes the folder, streaming. It appears under its name only when it is complete; on failure or cancellation nothing is
     * left behind.
     *
     * @param more files to put into it, by their path within: the tokenizers'
     * @throws UncheckedIOException if writing fails, or something other than a diffusers model is in the way
     * @throws IllegalArgumentException if {@code folder} holds one of the files this checkpoint reads from
     */
    public void writeTo(Path folder, Map<String, byte[]> more, Progress progress) {
        for (Path source : model.sources()) {
            if (source.toAbsolutePath()
                    .normalize()
                    .startsWith(folder.toAbsolutePath().normalize())) {
                throw new IllegalArgumentException(
                        "%s lies in %s; choose another output folder".formatted(source, folder));
            }
        }
        try {
            requireReplaceable(folder);
            try (AtomicFolder target = AtomicFolder.create(folder, byteSize())) {
                writeNetworks(target.path(), progress);
                for (Map.Entry<String, String> file : config.files().entrySet()) {
                    write(
                            target.path().resolve(file.getKey()),
                            file.getValue().getBytes(java.nio.charset.StandardCharsets.UTF_8));
                }
                for (Map.Entry<String, byte[]> file : more.entrySet()) {
                    write(target.path().resolve(file.getKey()), file.getValue());
                }
                target.commit();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void requireReplaceable(Path folder) throws IOException {
        if (!Files.exists(folder) || Files.exists(folder.resolve(DiffusersConfig.INDEX))) {
            return;
        }
        boolean empty = false;
        if (Files.isDirectory(folder)) {
            try (var content = Files.list(folder)) {
                empty = content.findAny().isEmpty();
            }
        }
        if (!empty) {
            throw new IOException(
                    "%s is there already and no diffusers model; choose another folder".formatted(folder));
        }
    }

    private void writeNetworks(Path folder, Progress progress) throws IOException {
        long total = byteSize();
        long before = 0;
        for (Map.Entry<String, Map<String, Tensor>> network : networks.entrySet()) {
            Path target = Files.createDirectories(folder.resolve(network.getKey()));
            Checkpoint part = Checkpoint.of(List.of(), network.getValue(), Map.of("format", "pt"));
            long offset = before;
            part.writeTo(
                    target.resolve(
                            network.getKey().startsWith(DiffusersModel.TEXT)
                                    ? "model.safetensors"
                                    : "diffusion_pytorch_model.safetensors"),
                    (done, _) -> progress.update(offset + done, total));
            before += part.byteSize();
        }
    }

    private static void write(Path file, byte[] content) throws IOException {
        Files.createDirectories(file.resolveSibling("."));
        Files.write(file, content);
    }

    private void addTextEncoders() {
        config.textEncoders().forEach((network, prefix) -> {
            if (prefix.endsWith(DiffusersModel.OPEN_CLIP)) {
                Map<String, Tensor> encoder = below(prefix);
                if (config.isSd2()) {
                    leaveOutUnused(prefix, encoder);
                }
                if (encoder.containsKey("logit_scale")) {
                    leftOut.add(prefix + "logit_scale");
                }
                networks.put(network, OpenClipNames.toTransformers(model.name(), encoder));
            } else {
                // transformers makes position_ids itself, and warns of those in a file
                Map<String, Tensor> encoder = add(
                        network, prefix, (name, _) -> Optional.of(name).filter(text -> text.startsWith("text_model.")));
                if (encoder.remove("text_model.embeddings.position_ids") != null) {
                    leftOut.add(prefix + "text_model.embeddings.position_ids");
                }
            }
        });
    }

    /** Diffusers keeps of SD 2's text encoder what it computes: not its last layer, nor the projection. */
    private void leaveOutUnused(String prefix, Map<String, Tensor> encoder) {
        int layers = config.sd2Layers();
        encoder.keySet().removeIf(name -> {
            Matcher block = RESBLOCK.matcher(name);
            boolean unused = name.equals(OpenClipNames.PROJECTION)
                    || (block.matches() && Integer.parseInt(block.group(1)) >= layers);
            if (unused) {
                leftOut.add(prefix + name);
            }
            return unused;
        });
    }

    private Map<String, Tensor> add(String network, String prefix, Naming naming) {
        Map<String, Tensor> single = below(prefix);
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        single.forEach((name, tensor) -> renamed.put(
                naming.diffusersName(name, single.keySet())
                        .orElseThrow(() -> new InvalidCheckpointException(
                                model.name(),
                                UNKNOWN_LAYOUT,
                                "diffusers has no name for the tensor \"%s%s\"; --prune leaves training state out"
                                        .formatted(prefix, name))),
                tensor));
        networks.put(network, renamed);
        return renamed;
    }

    private Map<String, Tensor> below(String prefix) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        model.tensors().forEach((name, tensor) -> {
            if (name.startsWith(prefix)) {
                tensors.put(name.substring(prefix.length()), tensor);
            }
        });
        return tensors;
    }

    private void noteTheRest() {
        List<String> prefixes = new ArrayList<>(config.textEncoders().values());
        prefixes.add(Component.UNET.prefix());
        prefixes.add(Component.VAE.prefix());
        model.tensors().keySet().stream()
                .filter(name -> prefixes.stream().noneMatch(name::startsWith))
                .forEach(leftOut::add);
    }

    /** The projections of the VAE's attention are 1×1 convolutions in single files and matrices in diffusers. */
    private static Tensor asMatrix(String name, Tensor tensor) {
        Shape shape = tensor.shape();
        return name.contains(".attentions.") && shape.rank() == 4
                ? new ReshapedTensor(tensor, Shape.of(shape.size(0), shape.size(1)))
                : tensor;
    }
}
