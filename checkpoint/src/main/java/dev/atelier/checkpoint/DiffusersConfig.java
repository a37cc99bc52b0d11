package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.MISSING_TENSOR;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_LAYOUT;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The configuration files of a diffusers model, from the shapes of its tensors. What shapes cannot tell is as in the published
 * models of the family, unless the metadata says otherwise.
 */
final class DiffusersConfig {
    static final String INDEX = "model_index.json";

    private static final String UNET = Component.UNET.prefix();
    private static final String VAE = Component.VAE.prefix();

    private enum Family {
        SD1,
        SD2,
        XL,
        REFINER
    }

    private final Checkpoint model;
    private final Family family;
    private final boolean predictsV;

    private DiffusersConfig(Checkpoint model, Family family) {
        this.model = model;
        this.family = family;
        this.predictsV = PredictionType.stated(model)
                .filter(type -> type == PredictionType.V)
                .isPresent();
    }

    /** @throws InvalidCheckpointException if {@code model} is not a whole model */
    static DiffusersConfig of(Checkpoint model) {
        Family family;
        if (model.has("conditioner.embedders.1.model.ln_final.weight")) {
            family = Family.XL;
        } else if (model.has("conditioner.embedders.0.model.ln_final.weight")) {
            family = Family.REFINER;
        } else if (model.has("cond_stage_model.model.ln_final.weight")) {
            family = Family.SD2;
        } else if (model.has("cond_stage_model.transformer.text_model.final_layer_norm.weight")) {
            family = Family.SD1;
        } else {
            throw new InvalidCheckpointException(
                    model.name(),
                    UNKNOWN_LAYOUT,
                    "it is a %s file; a diffusers folder needs a whole model: text encoder, UNet and VAE"
                            .formatted(Architecture.of(model).label()));
        }
        for (String needed : List.of(UNET + "input_blocks.0.0.weight", VAE + "decoder.conv_in.weight")) {
            if (!model.has(needed)) {
                throw new InvalidCheckpointException(
                        model.name(), MISSING_TENSOR, "the tensor \"%s\" is missing".formatted(needed));
            }
        }
        return new DiffusersConfig(model, family);
    }

    boolean isSd2() {
        return family == Family.SD2;
    }

    /** The layers of SD 2's text encoder that are used: all but the last, which is missing where the projection is. */
    int sd2Layers() {
        int layers = count("cond_stage_model.model.transformer.resblocks.%d.ln_1.weight", 0);
        return model.has("cond_stage_model.model.text_projection") || layers == 24 ? layers - 1 : layers;
    }

    /** The prefix of each text encoder, by the name of its folder. */
    Map<String, String> textEncoders() {
        String xl = DiffusersModel.XL_TEXT;
        Map<String, String> prefixes = new LinkedHashMap<>();
        switch (family) {
            case SD1 -> prefixes.put(DiffusersModel.TEXT, DiffusersModel.SD_TEXT + DiffusersModel.CLIP);
            case SD2 -> prefixes.put(DiffusersModel.TEXT, DiffusersModel.SD_TEXT + DiffusersModel.OPEN_CLIP);
            case XL -> {
                prefixes.put(DiffusersModel.TEXT, xl + "0." + DiffusersModel.CLIP);
                prefixes.put(DiffusersModel.TEXT_2, xl + "1." + DiffusersModel.OPEN_CLIP);
            }
            case REFINER -> prefixes.put(DiffusersModel.TEXT_2, xl + "0." + DiffusersModel.OPEN_CLIP);
        }
        return prefixes;
    }

    /** The files, by their path within the folder. */
    Map<String, String> files() {
        Map<String, String> files = new LinkedHashMap<>();
        files.put(INDEX, JsonText.indented(index()));
        files.put("unet/config.json", JsonText.indented(unet()));
        files.put("vae/config.json", JsonText.indented(vae()));
        textEncoders()
                .forEach((network, prefix) -> files.put(
                        network + "/config.json",
                        JsonText.indented(
                                prefix.endsWith(DiffusersModel.OPEN_CLIP) ? openClip(network, prefix) : clip(prefix))));
        files.put("scheduler/scheduler_config.json", JsonText.indented(scheduler()));
        return files;
    }

    private boolean isXl() {
        return family == Family.XL || family == Family.REFINER;
    }

    private Map<String, Object> index() {
        Map<String, Object> index = new LinkedHashMap<>();
        index.put("_class_name", pipeline());
        List<String> none = Collections.unmodifiableList(java.util.Arrays.asList(null, null));
        if (family == Family.REFINER) {
            index.put("text_encoder", none);
            index.put("tokenizer", none);
        } else {
            index.put("text_encoder", List.of("transformers", "CLIPTextModel"));
            index.put("tokenizer", List.of("transformers", "CLIPTokenizer"));
        }
        if (isXl()) {
            index.put("text_encoder_2", List.of("transformers", "CLIPTextModelWithProjection"));
            index.put("tokenizer_2", List.of("transformers", "CLIPTokenizer"));
            index.put("force_zeros_for_empty_prompt", family == Family.XL);
            if (family == Family.REFINER) {
                index.put("requires_aesthetics_score", true);
            }
        } else {
            index.put("safety_checker", none);
            index.put("feature_extractor", none);
            if (inputChannels() != 8) { // the pix2pix pipeline takes it too, but does not save it
                index.put("requires_safety_checker", false);
            }
        }
        index.put("scheduler", List.of("diffusers", schedulerClass()));
        index.put("unet", List.of("diffusers", "UNet2DConditionModel"));
        index.put("vae", List.of("diffusers", "AutoencoderKL"));
        return index;
    }

    private long inputChannels() {
        return size(UNET + "input_blocks.0.0.weight", 1);
    }

    private String pipeline() {
        boolean inpainting = inputChannels() == 9;
        boolean pix2pix = inputChannels() == 8;
        return switch (family) {
            case SD1, SD2 ->
                inpainting
                        ? "StableDiffusionInpaintPipeline"
                        : pix2pix ? "StableDiffusionInstructPix2PixPipeline" : "StableDiffusionPipeline";
            case XL ->
                inpainting
                        ? "StableDiffusionXLInpaintPipeline"
                        : pix2pix ? "StableDiffusionXLInstructPix2PixPipeline" : "StableDiffusionXLPipeline";
            case REFINER -> "StableDiffusionXLImg2ImgPipeline";
        };
    }

    private Map<String, Object> unet() {
        Set<String> names = new TreeSet<>();
        model.tensors().keySet().stream()
                .filter(name -> name.startsWith(UNET))
                .forEach(name -> names.add(name.substring(UNET.length())));
        int stride = SingleFileNames.stride(names);
        int levels = 1;
        while (names.contains("input_blocks.%d.0.in_layers.0.weight".formatted(1 + levels * stride))) {
            levels++;
        }
        List<Long> channels = new ArrayList<>();
        List<Integer> depths = new ArrayList<>();
        for (int level = 0; level < levels; level++) {
            int block = 1 + level * stride;
            channels.add(size(UNET + "input_blocks.%d.0.out_layers.3.weight".formatted(block), 0));
            depths.add(count(UNET + "input_blocks." + block + ".1.transformer_blocks.%d.norm1.weight", 0));
        }
        int middle = count(UNET + "middle_block.1.transformer_blocks.%d.norm1.weight", 0);
        String attention = UNET + "middle_block.1.";
        boolean linear = model.tensor(attention + "proj_in.weight").shape().rank() == 2;
        List<String> down = depths.stream()
                .map(depth -> depth > 0 ? "CrossAttnDownBlock2D" : "DownBlock2D")
                .toList();
        List<String> up = new ArrayList<>(depths.stream()
                .map(depth -> depth > 0 ? "CrossAttnUpBlock2D" : "UpBlock2D")
                .toList());
        Collections.reverse(up);

        Map<String, Object> config = new LinkedHashMap<>();
        config.put("_class_name", "UNet2DConditionModel");
        config.put("act_fn", "silu");
        if (model.has(UNET + "label_emb.0.0.weight")) {
            config.put("addition_embed_type", "text_time");
            config.put("addition_time_embed_dim", 256);
            config.put("projection_class_embeddings_input_dim", size(UNET + "label_emb.0.0.weight", 1));
        }
        config.put("attention_head_dim", heads(channels, linear)); // diffusers' name for the number of heads
        config.put("block_out_channels", channels);
        config.put("center_input_sample", false);
        config.put("cross_attention_dim", size(attention + "transformer_blocks.0.attn2.to_k.weight", 1));
        config.put("down_block_types", down);
        config.put("downsample_padding", 1);
        config.put("flip_sin_to_cos", true);
        config.put("freq_shift", 0);
        config.put("in_channels", inputChannels());
        config.put("layers_per_block", stride - 1);
        config.put("mid_block_scale_factor", 1);
        config.put("norm_eps", 1e-5);
        config.put("norm_num_groups", setting("atelier.norm_num_groups", 32));
        config.put("out_channels", size(UNET + "out.2.weight", 0));
        config.put("sample_size", sampleSize());
        config.put(
                "time_cond_proj_dim",
                model.find(UNET + "time_embedding.cond_proj.weight")
                        .map(tensor -> (Object) tensor.shape().size(1))
                        .orElse(null));
        config.put("transformer_layers_per_block", layersPerBlock(depths, middle));
        config.put("up_block_types", up);
        if (isSd2() && predictsV) {
            config.put("upcast_attention", true); // its attention overflows fp16
        }
        config.put("use_linear_projection", linear);
        return config;
    }

    private Object heads(List<Long> channels, boolean linear) {
        if (!linear) {
            return setting("atelier.num_attention_heads", 8);
        }
        int width = setting("atelier.attention_head_dim", 64);
        return channels.stream().map(count -> count / width).toList();
    }

    /** A level without attention has no depth; that of the last one is also the middle's. */
    private static Object layersPerBlock(List<Integer> depths, int middle) {
        Set<Integer> used = new TreeSet<>(depths);
        used.remove(0);
        used.add(middle);
        if (used.size() == 1) {
            return middle;
        }
        return IntStream.range(0, depths.size())
                .map(level -> depths.get(level) > 0 ? depths.get(level) : level == depths.size() - 1 ? middle : 1)
                .boxed()
                .toList();
    }

    /** Latent pixels of the pictures the model was trained on. */
    private int sampleSize() {
        return switch (family) {
            case SD1 -> 64;
            case SD2 -> predictsV ? 96 : 64;
            case XL, REFINER -> 128;
        };
    }

    private Map<String, Object> vae() {
        int levels = count(VAE + "decoder.up.%d.block.0.conv1.weight", 0);
        List<Long> channels = IntStream.range(0, levels)
                .mapToObj(level -> size(VAE + "decoder.up.%d.block.0.conv1.weight".formatted(level), 0))
                .toList();
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("_class_name", "AutoencoderKL");
        config.put("act_fn", "silu");
        config.put("block_out_channels", channels);
        config.put("down_block_types", Collections.nCopies(levels, "DownEncoderBlock2D"));
        config.put("force_upcast", true);
        config.put("in_channels", 3);
        config.put("latent_channels", size(VAE + "decoder.conv_in.weight", 1));
        config.put("layers_per_block", count(VAE + "decoder.up.0.block.%d.conv1.weight", 0) - 1);
        config.put("norm_num_groups", setting("atelier.norm_num_groups", 32));
        config.put("out_channels", size(VAE + "decoder.conv_out.weight", 0));
        config.put("sample_size", 8 * sampleSize());
        config.put("scaling_factor", isXl() ? 0.13025 : 0.18215);
        config.put("up_block_types", Collections.nCopies(levels, "UpDecoderBlock2D"));
        return config;
    }

    private Map<String, Object> clip(String prefix) {
        String text = prefix + "text_model.";
        Map<String, Object> config = text(
                "CLIPTextModel",
                "quick_gelu",
                model.tensor(text + "embeddings.token_embedding.weight").shape(),
                size(text + "embeddings.position_embedding.weight", 0),
                size(text + "encoder.layers.0.mlp.fc1.weight", 0),
                count(text + "encoder.layers.%d.layer_norm1.weight", 0));
        config.put("projection_dim", config.get("hidden_size"));
        return config;
    }

    private Map<String, Object> openClip(String network, String prefix) {
        boolean second = network.equals(DiffusersModel.TEXT_2);
        Map<String, Object> config = text(
                second ? "CLIPTextModelWithProjection" : "CLIPTextModel",
                "gelu",
                model.tensor(prefix + "token_embedding.weight").shape(),
                size(prefix + "positional_embedding", 0),
                size(prefix + "transformer.resblocks.0.mlp.c_fc.weight", 0),
                isSd2() ? sd2Layers() : count(prefix + "transformer.resblocks.%d.ln_1.weight", 0));
        config.put("projection_dim", second ? size(prefix + OpenClipNames.PROJECTION, 1) : config.get("hidden_size"));
        return config;
    }

    private Map<String, Object> text(
            String model, String activation, Shape embedding, long positions, long intermediate, int layers) {
        long width = embedding.size(1);
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("architectures", List.of(model));
        config.put("attention_dropout", 0.0);
        config.put("bos_token_id", 49406);
        config.put("dropout", 0.0);
        config.put("eos_token_id", 49407);
        config.put("hidden_act", activation);
        config.put("hidden_size", width);
        config.put("initializer_factor", 1.0);
        config.put("initializer_range", 0.02);
        config.put("intermediate_size", intermediate);
        config.put("layer_norm_eps", 1e-5);
        config.put("max_position_embeddings", positions);
        config.put("model_type", "clip_text_model");
        config.put("num_attention_heads", setting("atelier.text_num_attention_heads", Math.max(1, (int) (width / 64))));
        config.put("num_hidden_layers", layers);
        config.put("pad_token_id", 1);
        config.put("vocab_size", embedding.size(0));
        return config;
    }

    private boolean isZeroSnr() {
        return PredictionType.isZeroTerminalSnr(model);
    }

    /** The ones of the published models; PNDM knows no schedule that ends in pure noise. */
    private String schedulerClass() {
        return isXl()
                ? "EulerDiscreteScheduler"
                : predictsV || isZeroSnr() || isSd2() ? "DDIMScheduler" : "PNDMScheduler";
    }

    private Map<String, Object> scheduler() {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("_class_name", schedulerClass());
        config.put("beta_end", 0.012);
        config.put("beta_schedule", "scaled_linear");
        config.put("beta_start", 0.00085);
        config.put("num_train_timesteps", 1000);
        config.put("prediction_type", predictsV ? "v_prediction" : "epsilon");
        switch (schedulerClass()) {
            case "PNDMScheduler" -> {
                config.put("set_alpha_to_one", false);
                config.put("skip_prk_steps", true);
            }
            case "DDIMScheduler" -> {
                config.put("clip_sample", false);
                config.put("rescale_betas_zero_snr", isZeroSnr());
                config.put("set_alpha_to_one", false);
            }
            default -> {
                config.put("interpolation_type", "linear");
                config.put("rescale_betas_zero_snr", isZeroSnr());
                config.put("use_karras_sigmas", false);
            }
        }
        config.put("steps_offset", 1);
        config.put("timestep_spacing", isZeroSnr() ? "trailing" : "leading");
        config.put("trained_betas", null);
        return config;
    }

    private int setting(String key, int usual) {
        return Optional.ofNullable(model.metadata().get(key))
                .filter(value -> value.matches("\\d{1,9}"))
                .map(Integer::valueOf)
                .filter(value -> value > 0)
                .orElse(usual);
    }

    private long size(String tensor, int axis) {
        Shape shape = model.tensor(tensor).shape();
        if (axis >= shape.rank()) {
            throw new InvalidCheckpointException(
                    model.name(),
                    InvalidCheckpointException.Reason.SHAPE_MISMATCH,
                    "the tensor \"%s\" is %s, which has no axis %d".formatted(tensor, shape, axis));
        }
        return shape.size(axis);
    }

    /** How many consecutive numbers, from {@code first} on, make the pattern the name of a tensor. */
    private int count(String pattern, int first) {
        int n = first;
        while (model.has(pattern.formatted(n))) {
            n++;
        }
        return n - first;
    }
}
