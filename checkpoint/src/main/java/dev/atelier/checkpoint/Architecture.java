package dev.atelier.checkpoint;

import java.util.Set;
import java.util.function.Predicate;

/**
 * What kind of model a checkpoint holds, as far as its keys and shapes tell. The constants are in the order in which
 * they are tried: the first whose test passes wins (the order of AUTOMATIC1111's and stable-diffusion.cpp's detection).
 */
public enum Architecture {
    LORA(
            "LoRA",
            file -> anyKey(
                    file,
                    key -> key.contains("lora_down")
                            || key.contains("lora_up")
                            || key.contains("lora_A")
                            || key.contains("lora_B")
                            || key.contains("lora.down")
                            || key.contains("lora.up")
                            || key.contains("hada_")
                            || key.contains("lokr_")
                            || key.contains("oft_blocks")
                            || key.endsWith(".oft_diag")
                            || key.endsWith(".on_input")
                            || (key.startsWith("lora_") && key.matches(".*\\.(diff|w_norm|a[12]\\.weight)"))
                            || key.contains(".processor.")
                            || key.contains("lora_linear_layer"))),
    EMBEDDING(
            "textual-inversion embedding",
            file -> file.has("emb_params")
                    || (file.has("clip_l") && file.has("clip_g"))
                    || anyKey(file, key -> key.startsWith("string_to_param."))
                    || isSingleVectorList(file)),
    CONTROLNET(
            "ControlNet",
            file -> anyKey(file, key -> key.startsWith("control_model."))
                    || file.has("input_hint_block.0.weight")
                    || file.has("controlnet_cond_embedding.conv_in.weight")),
    T2I_ADAPTER("T2I-Adapter", file -> file.has("body.0.block1.weight") || file.has("body.0.body.0.block1.weight")),
    HYPERNETWORK("hypernetwork", file -> anyKey(file, key -> key.matches("\\d+\\.[kv]\\.linear\\.\\d+\\.weight"))),
    UPSCALER(
            "upscaling network",
            file -> file.has("model.1.sub.0.RDB1.conv1.0.weight") // ESRGAN
                    || file.has("conv_first.weight") // BasicSR
                    || (file.has("body.0.weight") && size(file, "body.1.weight", 0) > 0)), // Real-ESRGAN's small ones
    SD3_OR_FLUX(
            "Stable Diffusion 3 or Flux",
            file -> anyKey(
                    file,
                    key -> key.contains("joint_blocks.")
                            || key.contains("double_blocks.")
                            || key.endsWith("x_embedder.proj.weight"))),
    SDXL("Stable Diffusion XL", file -> file.has("conditioner.embedders.1.model.ln_final.weight")),
    SDXL_REFINER(
            "Stable Diffusion XL refiner",
            file -> size(file, "conditioner.embedders.0.model.ln_final.weight", 0) == 1280),
    SD2(
            "Stable Diffusion 2.x",
            file -> size(file, "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight", 1) == 1024),
    SD1_INPAINTING("Stable Diffusion 1.x inpainting", file -> isSd1(file) && inputChannels(file) == 9),
    SD1_PIX2PIX("Stable Diffusion 1.x instruct-pix2pix", file -> isSd1(file) && inputChannels(file) == 8),
    SD1("Stable Diffusion 1.x", file -> isSd1(file) && inputChannels(file) == 4),
    UNET_ONLY("UNet without a text encoder", file -> inputChannels(file) > 0),
    VAE_ONLY("VAE", file -> file.has("decoder.conv_in.weight") || file.has("first_stage_model.decoder.conv_in.weight")),
    UNKNOWN("unknown", file -> true);

    private final String label;

    @SuppressWarnings("ImmutableEnumChecker") // the tests above capture nothing
    private final Predicate<Checkpoint> test;

    Architecture(String label, Predicate<Checkpoint> test) {
        this.label = label;
        this.test = test;
    }

    /** Classifies a checkpoint whose names are in the single-file layout (see {@link Layout#normalize}). */
    public static Architecture of(Checkpoint checkpoint) {
        for (Architecture candidate : values()) {
            if (candidate.test.test(checkpoint)) {
                return candidate;
            }
        }
        throw new AssertionError("UNKNOWN accepts everything");
    }

    /** A name for people, for example "Stable Diffusion 1.x". */
    public String label() {
        return label;
    }

    /** One tensor of the width of a text encoder: its name is the word that it stands for. */
    private static boolean isSingleVectorList(Checkpoint file) {
        if (file.tensors().size() != 1) {
            return false;
        }
        Shape shape = file.tensors().firstEntry().getValue().shape();
        return (shape.rank() == 1 || shape.rank() == 2)
                && Set.of(768L, 1024L, 1280L).contains(shape.size(shape.rank() - 1));
    }

    private static boolean isSd1(Checkpoint file) {
        return file.has(Component.TEXT_ENCODER.prefix() + "transformer.text_model.embeddings.token_embedding.weight");
    }

    private static long inputChannels(Checkpoint file) {
        return size(file, Component.UNET.prefix() + "input_blocks.0.0.weight", 1);
    }

    /** The size of an axis of a tensor, -1 if there is no such tensor or axis. */
    private static long size(Checkpoint file, String tensor, int axis) {
        return file.find(tensor)
                .map(Tensor::shape)
                .filter(shape -> axis < shape.rank())
                .map(shape -> shape.size(axis))
                .orElse(-1L);
    }

    private static boolean anyKey(Checkpoint file, Predicate<String> test) {
        return file.tensors().keySet().stream().anyMatch(test);
    }
}
