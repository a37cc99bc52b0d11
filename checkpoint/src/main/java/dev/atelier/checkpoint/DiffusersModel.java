package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_LAYOUT;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The networks of a model as diffusers names their tensors, turned into the names, and where they differ the shapes, of the
 * single-file layout. Which text encoders there are tells which family it is: one of them and a UNet that projects by
 * convolutions, Stable Diffusion 1; one and matrices, 2; two, XL; the second alone, XL's refiner.
 */
final class DiffusersModel {
    static final String UNET = "unet";
    static final String VAE = "vae";
    static final String TEXT = "text_encoder";
    static final String TEXT_2 = "text_encoder_2";

    /** Where single files keep text encoders: in SD 1 and 2; in XL, by number; CLIP and OpenCLIP below that. */
    static final String SD_TEXT = Component.TEXT_ENCODER.prefix();

    static final String XL_TEXT = "conditioner.embedders.";
    static final String CLIP = "transformer.";
    static final String OPEN_CLIP = "model.";

    /** Transformers has had the level {@code text_model}, and from version 5 on has it no more. */
    private static final Pattern CLIP_TENSOR =
            Pattern.compile("(text_model\\.)?(embeddings|encoder|final_layer_norm)\\..+");

    private interface Naming {
        Optional<String> singleFileName(String name, Set<String> all);
    }

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private DiffusersModel() {}

    /** The tensors of the single file that these networks, by the name of their folder, would be kept in. */
    static Map<String, Tensor> singleFile(Map<String, Checkpoint> networks) {
        DiffusersModel model = new DiffusersModel();
        Optional<Checkpoint> text = Optional.ofNullable(networks.get(TEXT));
        Optional<Checkpoint> second = Optional.ofNullable(networks.get(TEXT_2));
        Optional<Checkpoint> unet = Optional.ofNullable(networks.get(UNET));
        if (second.isPresent()) {
            text.ifPresent(clip -> model.addClip(clip, XL_TEXT + "0." + CLIP));
            model.addOpenClip(second.get(), XL_TEXT + (text.isPresent() ? "1." : "0.") + OPEN_CLIP);
        } else if (text.isPresent()) {
            if (unet.filter(DiffusersModel::projectsByMatrices).isPresent()) {
                model.addOpenClip(text.get(), SD_TEXT + OPEN_CLIP);
            } else {
                model.addClip(text.get(), SD_TEXT + CLIP);
            }
        }
        unet.ifPresent(network -> model.add(network, Component.UNET.prefix(), DiffusersNames::unet));
        Optional.ofNullable(networks.get(VAE)).ifPresent(model::addVae);
        return model.tensors;
    }

    private static boolean projectsByMatrices(Checkpoint unet) {
        return unet.tensors().entrySet().stream()
                .anyMatch(named -> named.getKey().endsWith(".attentions.0.proj_in.weight")
                        && named.getValue().shape().rank() == 2);
    }

    private void addClip(Checkpoint network, String prefix) {
        add(
                network,
                prefix,
                (name, _) -> Optional.of(name)
                        .filter(CLIP_TENSOR.asMatchPredicate())
                        .map(known -> known.startsWith("text_model.") ? known : "text_model." + known));
    }

    private void addOpenClip(Checkpoint network, String prefix) {
        OpenClipNames.fromTransformers(network.name(), network.tensors())
                .forEach((name, tensor) -> tensors.put(prefix + name, tensor));
    }

    private void addVae(Checkpoint network) {
        vae(network).tensors().forEach((name, tensor) -> tensors.put(Component.VAE.prefix() + name, tensor));
    }

    /** A VAE on its own, with the names of single files but no prefix. */
    static Checkpoint vae(Checkpoint network) {
        DiffusersModel model = new DiffusersModel();
        model.add(network, "", DiffusersNames::vae);
        model.tensors.replaceAll(DiffusersModel::asConvolution);
        return Checkpoint.of(network.sources(), model.tensors, network.metadata());
    }

    /** The ControlNet of Stable Diffusion 1 or 2, as ControlNet's own code names it. */
    static Checkpoint controlNet(Checkpoint network) {
        DiffusersModel model = new DiffusersModel();
        model.add(network, "control_model.", DiffusersNames::controlNet);
        return Checkpoint.of(network.sources(), model.tensors, network.metadata());
    }

    /** A T2I-Adapter, as its authors' code names it: their full ones number all blocks of all levels. */
    static Checkpoint t2iAdapter(Checkpoint network) {
        Set<String> all = network.tensors().keySet();
        boolean isLight = all.contains("adapter.body.0.out_conv.weight");
        int blocks = 0;
        while (all.contains("adapter.body.0.resnets.%d.block1.weight".formatted(blocks))) {
            blocks++;
        }
        int perLevel = blocks;
        DiffusersModel model = new DiffusersModel();
        model.add(network, "", (name, _) -> DiffusersNames.t2iAdapter(name, isLight, perLevel));
        return Checkpoint.of(network.sources(), model.tensors, network.metadata());
    }

    private void add(Checkpoint network, String prefix, Naming naming) {
        Set<String> all = network.tensors().keySet();
        network.tensors().forEach((name, tensor) -> {
            String singleFileName = naming.singleFileName(name, all)
                    .orElseThrow(() -> new InvalidCheckpointException(
                            network.name(),
                            UNKNOWN_LAYOUT,
                            "the tensor \"%s\" has no place in a single-file checkpoint".formatted(name)));
            tensors.put(prefix + singleFileName, tensor);
        });
    }

    /** The projections of the VAE's attention are 1×1 convolutions in single files and matrices in diffusers. */
    private static Tensor asConvolution(String name, Tensor tensor) {
        Shape shape = tensor.shape();
        return name.contains(".attn_1.") && name.endsWith(".weight") && shape.rank() == 2
                ? new ReshapedTensor(tensor, Shape.of(shape.size(0), shape.size(1), 1, 1))
                : tensor;
    }
}
