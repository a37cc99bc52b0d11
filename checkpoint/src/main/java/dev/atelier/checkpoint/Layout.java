package dev.atelier.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The names of tensors: the single-file layout of the original Stable Diffusion code, and what else is found in files. */
public final class Layout {
    private static final String CLIP = DiffusersModel.SD_TEXT + DiffusersModel.CLIP;
    private static final String UNET = Component.UNET.prefix();
    private static final Pattern NETWORK = Pattern.compile("(unet|vae|text_encoder_2|text_encoder)\\.(.+)");

    private Layout() {}

    /**
     * Gives the tensors the names that the single-file layout prescribes: {@code model.diffusion_model.…},
     * {@code first_stage_model.…} and, by family,
     *
     * <ul>
     *   <li>SD 1.x: {@code cond_stage_model.transformer.text_model.…}, CLIP as transformers names it
     *   <li>SD 2.x: {@code cond_stage_model.model.…}, OpenCLIP. Files that went through diffusers lack what pictures do not
     *       need: its last layer, {@code text_projection} and {@code logit_scale}
     *   <li>SD XL: {@code conditioner.embedders.0.transformer.text_model.…} and {@code conditioner.embedders.1.model.…}
     *   <li>SD XL refiner: {@code conditioner.embedders.0.model.…}
     * </ul>
     *
     * What is renamed: models in diffusers' names in one file, and UNets, VAEs and ControlNets on their own in such names; UNets
     * without prefix; wrappers of training code; text encoders whose names lack the {@code text_model} level (older transformers
     * versions, the NovelAI leak and its descendants), exactly as AUTOMATIC1111 does when it loads a file
     * ({@code modules/sd_models.py}); the text encoders of SD 2 Turbo and of XL files that ComfyUI has saved. A VAE on its own
     * keeps its names without prefix. Applying it twice changes nothing.
     *
     * @throws InvalidCheckpointException if the names are diffusers' but for a tensor, which is named
     */
    public static Checkpoint normalize(Checkpoint checkpoint) {
        Checkpoint plain = withoutWrappers(checkpoint);
        Checkpoint single = fromDiffusers(plain);
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        boolean bareUnet = single.has("input_blocks.0.0.weight") && single.has("out.2.weight");
        boolean comfyVae =
                single.has("vae.decoder.conv_in.weight") && !single.has("vae.decoder.mid_block.resnets.0.conv1.weight");
        boolean turbo = single.find("conditioner.embedders.0.model.ln_final.weight")
                .filter(norm -> norm.shape().equals(Shape.of(1024)))
                .isPresent();
        single.tensors().forEach((name, tensor) -> {
            String known = name;
            if (bareUnet || name.startsWith("diffusion_model.")) {
                known = UNET + name.replaceFirst("^diffusion_model\\.", "");
            } else if (comfyVae && name.startsWith("vae.")) {
                known = Component.VAE.prefix() + name.substring("vae.".length());
            } else if (turbo && name.startsWith("conditioner.embedders.0.")) {
                known = DiffusersModel.SD_TEXT + name.substring("conditioner.embedders.0.".length());
            }
            renamed.put(withTextModel(known), tensor);
        });
        return withOpenClip(Checkpoint.of(checkpoint.sources(), renamed, checkpoint.metadata()));
    }

    /** DataParallel, DistributedDataParallel and torch.compile put a name of their own before, or between, the others. */
    private static Checkpoint withoutWrappers(Checkpoint checkpoint) {
        boolean parallel = !checkpoint.tensors().isEmpty()
                && checkpoint.tensors().keySet().stream().allMatch(name -> name.startsWith("module."));
        boolean compiled = checkpoint.tensors().keySet().stream().anyMatch(name -> name.contains("_orig_mod."));
        if (!parallel && !compiled) {
            return checkpoint;
        }
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        checkpoint
                .tensors()
                .forEach((name, tensor) -> renamed.put(
                        (parallel ? name.substring("module.".length()) : name).replace("_orig_mod.", ""), tensor));
        return Checkpoint.of(checkpoint.sources(), renamed, checkpoint.metadata());
    }

    private static Checkpoint fromDiffusers(Checkpoint file) {
        if (file.has("unet.conv_in.weight") && file.has("unet.time_embedding.linear_1.weight")) {
            return Checkpoint.of(file.sources(), DiffusersModel.singleFile(networks(file)), file.metadata());
        }
        if (file.has("controlnet_cond_embedding.conv_in.weight")) {
            return DiffusersModel.controlNet(file);
        }
        if (file.has("adapter.body.0.resnets.0.block1.weight")) {
            return DiffusersModel.t2iAdapter(file);
        }
        if (file.has("conv_in.weight") && file.has("time_embedding.linear_1.weight")) {
            Map<String, Tensor> unet = DiffusersModel.singleFile(Map.of(DiffusersModel.UNET, file));
            return Checkpoint.of(file.sources(), unet, file.metadata());
        }
        if (file.has("decoder.mid_block.resnets.0.conv1.weight")) {
            return DiffusersModel.vae(file);
        }
        return file;
    }

    private static Map<String, Checkpoint> networks(Checkpoint file) {
        Map<String, Map<String, Tensor>> tensors = new LinkedHashMap<>();
        file.tensors().forEach((name, tensor) -> {
            Matcher network = NETWORK.matcher(name);
            if (!network.matches()) {
                throw new InvalidCheckpointException(
                        file.name(),
                        InvalidCheckpointException.Reason.UNKNOWN_LAYOUT,
                        "the tensor \"%s\" belongs to no network (unet, vae, text_encoder)".formatted(name));
            }
            tensors.computeIfAbsent(network.group(1), _ -> new LinkedHashMap<>())
                    .put(network.group(2), tensor);
        });
        Map<String, Checkpoint> networks = new LinkedHashMap<>();
        tensors.forEach((name, part) -> networks.put(name, Checkpoint.of(file.sources(), part, Map.of())));
        return networks;
    }

    private static String withTextModel(String name) {
        for (String part : new String[] {"embeddings.", "encoder.", "final_layer_norm."}) {
            if (name.startsWith(CLIP + part)) {
                return CLIP + "text_model." + name.substring(CLIP.length());
            }
        }
        return name;
    }

    /** XL's second text encoder under the names of transformers, where OpenCLIP's belong. */
    private static Checkpoint withOpenClip(Checkpoint checkpoint) {
        String prefix = DiffusersModel.XL_TEXT + "1." + DiffusersModel.OPEN_CLIP;
        Optional<String> wrong = checkpoint.tensors().keySet().stream()
                .filter(name -> name.startsWith(prefix + "transformer.text_model.encoder.layers."))
                .findFirst();
        if (wrong.isEmpty()) {
            return checkpoint;
        }
        Map<String, Tensor> encoder = new LinkedHashMap<>();
        Map<String, Tensor> others = new LinkedHashMap<>();
        checkpoint.tensors().forEach((name, tensor) -> {
            if (name.startsWith(prefix)) {
                String bare = name.substring(prefix.length())
                        .replaceFirst("^transformer\\.", "")
                        .replaceFirst("^text_projection\\.weight\\.weight$", OpenClipNames.HF_PROJECTION);
                if (!bare.equals("logit_scale")) {
                    encoder.put(bare, tensor);
                    return;
                }
            }
            others.put(name, tensor);
        });
        OpenClipNames.fromTransformers(checkpoint.name(), encoder)
                .forEach((name, tensor) -> others.put(prefix + name, tensor));
        return Checkpoint.of(checkpoint.sources(), others, checkpoint.metadata());
    }
}
