package dev.atelier.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What a checkpoint is, as far as names, shapes and metadata tell, and what they leave open. Its names are expected in the
 * single-file layout, see {@link Layout#normalize}.
 *
 * @param variant what sets it apart within its architecture, such as "inpainting"; empty if nothing does
 * @param weights which set of weights it holds, such as "trained and averaged (EMA)"; empty for what has no UNet
 * @param prediction what the UNet predicts, and how that is known; empty for what has no UNet
 * @param notes what is remarkable, broken or open, a sentence each
 */
public record Recognition(
        Architecture architecture, String variant, String weights, String prediction, List<String> notes) {
    private static final String UNET = Component.UNET.prefix();
    private static final String CROSS_ATTENTION = "attn2.to_k.weight";

    /** Recognises {@code checkpoint}; reads a few hundred numbers at most. */
    public static Recognition of(Checkpoint checkpoint) {
        Architecture architecture = Architecture.of(checkpoint);
        boolean hasUnet = checkpoint.has(UNET + "input_blocks.0.0.weight");
        List<String> notes = new ArrayList<>();
        String prediction = hasUnet ? prediction(checkpoint, architecture, notes) : "";
        noteOpenQuestions(architecture, notes);
        noteDefects(checkpoint, notes);
        return new Recognition(
                architecture,
                variant(checkpoint, architecture),
                hasUnet ? weights(checkpoint) : "",
                prediction,
                List.copyOf(notes));
    }

    /** The architecture and the variant for people. */
    public String label() {
        return variant.isEmpty() ? architecture.label() : architecture.label() + ", " + variant;
    }

    private static String variant(Checkpoint file, Architecture architecture) {
        return switch (architecture) {
            case LORA -> lora(file);
            case EMBEDDING -> embedding(file);
            case UNET_ONLY -> "of " + family(contextWidth(file, name -> name.startsWith(UNET)));
            case CONTROLNET -> {
                boolean whole = file.has(UNET + "input_blocks.0.0.weight");
                boolean isXl = file.tensors().keySet().stream().anyMatch(name -> name.contains("label_emb."));
                String family = family(isXl ? 2048 : contextWidth(file, name -> name.startsWith("control_model.")));
                yield "for " + family + (whole ? ", with the whole model it controls" : "");
            }
            case T2I_ADAPTER -> {
                boolean isLight = file.has("body.0.out_conv.weight");
                long inputs = axis(file, isLight ? "body.0.in_conv.weight" : "conv_in.weight", 1);
                yield (isLight ? "light, for " : "for ") + family(inputs % 256 == 0 ? 2048 : 768);
            }
            case SD2, SDXL -> channels(file);
            default -> "";
        };
    }

    private static String channels(Checkpoint file) {
        long channels = axis(file, UNET + "input_blocks.0.0.weight", 1);
        if (file.has(UNET + "label_emb.0.0.weight") && axis(file, UNET + "label_emb.0.0.weight", 1) < 2560) {
            return "unCLIP";
        }
        return switch ((int) channels) {
            case 9 -> "inpainting";
            case 8 -> "instruct-pix2pix";
            case 5 -> "depth";
            default -> "";
        };
    }

    private static String lora(Checkpoint file) {
        Set<String> kinds = new LinkedHashSet<>();
        Set<Long> ranks = new TreeSet<>();
        file.tensors().forEach((name, tensor) -> {
            Shape shape = tensor.shape();
            if (isDown(name) && shape.rank() >= 2) {
                ranks.add(shape.size(0));
                kinds.add(shape.rank() == 4 && shape.size(2) > 1 ? "LoCon" : "LoRA");
            } else if (name.contains("hada_w1_b") && shape.rank() >= 2) {
                ranks.add(shape.size(0));
                kinds.add("LoHa");
            } else if (name.contains("lokr_w")) {
                kinds.add("LoKr");
            } else if (name.contains("dora_scale") || name.contains("lora_magnitude_vector")) {
                kinds.add("DoRA");
            } else if (name.contains("oft_blocks")) {
                kinds.add(shape.rank() == 4 ? "BOFT" : "OFT");
            } else if (name.endsWith(".oft_diag")) {
                kinds.add("OFT");
            } else if (name.endsWith(".a2.weight")) {
                kinds.add("GLoRA");
            } else if (name.endsWith(".on_input")) {
                kinds.add("(IA)³");
            } else if (name.endsWith(".diff")) {
                kinds.add("differences");
            } else if (name.endsWith(".w_norm")) {
                kinds.add("norms");
            }
        });
        if (kinds.contains("LoCon")) {
            kinds.remove("LoRA"); // which a LoCon holds for its matrices
        }
        String base = Optional.ofNullable(file.metadata().get("ss_base_model_version"))
                .or(() -> Optional.of(family(contextWidth(
                                file, name -> name.contains("attn2") && name.contains("to_k") && isDown(name))))
                        .filter(known -> !known.equals("unknown")))
                .orElse("a model that its names do not tell");
        return "%s%s for %s"
                .formatted(
                        String.join(" + ", kinds),
                        ranks.isEmpty()
                                ? ""
                                : " of rank "
                                        + ranks.stream().map(String::valueOf).collect(Collectors.joining(", ")),
                        base);
    }

    private static boolean isDown(String name) {
        return name.contains("lora_down") || name.contains("lora_A") || name.contains("lora.down");
    }

    private static String embedding(Checkpoint file) {
        List<String> parts = new ArrayList<>();
        file.tensors().forEach((_, tensor) -> {
            Shape shape = tensor.shape();
            if (shape.rank() == 1 || shape.rank() == 2) {
                parts.add("%d × %d".formatted(shape.rank() == 1 ? 1 : shape.size(0), shape.size(shape.rank() - 1)));
            }
        });
        boolean two = file.has("clip_l") && file.has("clip_g");
        long width = file.tensors().values().stream()
                .map(Tensor::shape)
                .filter(shape -> shape.rank() > 0)
                .mapToLong(shape -> shape.size(shape.rank() - 1))
                .findFirst()
                .orElse(0);
        return "%s, for %s".formatted(String.join(" and ", parts), two ? "Stable Diffusion XL" : family(width));
    }

    /** The family by the width of what its UNet attends to. */
    private static String family(long width) {
        return switch ((int) width) {
            case 768 -> "Stable Diffusion 1.x";
            case 1024 -> "Stable Diffusion 2.x";
            case 2048 -> "Stable Diffusion XL";
            case 1280 -> "the Stable Diffusion XL refiner";
            default -> "unknown";
        };
    }

    private static long contextWidth(Checkpoint file, Predicate<String> names) {
        return file.tensors().entrySet().stream()
                .filter(named -> names.test(named.getKey())
                        && (named.getKey().endsWith(CROSS_ATTENTION) || isDown(named.getKey()))
                        && named.getValue().shape().rank() >= 2)
                .mapToLong(named -> named.getValue().shape().size(1))
                .findFirst()
                .orElse(0);
    }

    private static String weights(Checkpoint file) {
        long copies = file.tensors().keySet().stream()
                .filter(name -> name.startsWith(Component.EMA.prefix()))
                .count();
        if (copies > 2) {
            return "trained and averaged (EMA)";
        }
        return copies > 0 ? "averaged (EMA) only, in place of the trained ones" : "one set";
    }

    private static String prediction(Checkpoint file, Architecture architecture, List<String> notes) {
        Optional<PredictionType> stated = PredictionType.stated(file);
        if (PredictionType.isZeroTerminalSnr(file)) {
            notes.add("its noise schedule ends in pure noise (zero terminal SNR)");
        }
        if (stated.isPresent()) {
            return "%s, as its %s"
                    .formatted(name(stated.get()), file.has("v_pred") ? "marker v_pred says" : "metadata says");
        }
        if (architecture != Architecture.SD2 || !channels(file).isEmpty()) {
            return architecture == Architecture.UNET_ONLY ? "not in the file" : "epsilon, as its family's models do";
        }
        notes.add("nothing in it says whether its UNet predicts epsilon (512-base models) or v (768 models)"
                + spread(file)
                        .map(value -> "; its last attention looks like that of a %s model"
                                .formatted(value > 0.09 ? "v" : "epsilon"))
                        .orElse(""));
        return "not in the file";
    }

    private static String name(PredictionType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    /** The standard deviation of a bias by which ComfyUI tells v-prediction of SD 2 (above 0.09) from epsilon. */
    private static Optional<Double> spread(Checkpoint file) {
        return file.find(UNET + "output_blocks.11.1.transformer_blocks.0.norm1.bias")
                .filter(tensor -> tensor.mapped().isPresent()
                        && tensor.dtype().isFloating()
                        && tensor.shape().elements() > 1
                        && tensor.shape().elements() <= Scratch.SIZE)
                .map(tensor -> {
                    float[] values = new float[(int) tensor.shape().elements()];
                    tensor.read(0, values, values.length);
                    double mean = 0;
                    for (float value : values) {
                        mean += value / (double) values.length;
                    }
                    double sum = 0;
                    for (float value : values) {
                        sum += (value - mean) * (value - mean);
                    }
                    return Math.sqrt(sum / (values.length - 1));
                });
    }

    private static void noteOpenQuestions(Architecture architecture, List<String> notes) {
        switch (architecture) {
            case SD1 -> notes.add("names and shapes cannot tell 1.1 to 1.5 apart, nor fine-tunes of them");
            case SD2 -> notes.add("names and shapes cannot tell 2.0 from 2.1");
            case VAE_ONLY ->
                notes.add(
                        "names and shapes cannot tell VAEs of Stable Diffusion 1 and 2 from XL's; mixed up, they give garbage");
            default -> {}
        }
    }

    private static void noteDefects(Checkpoint file, List<String> notes) {
        if (!Slim.hasSoundPositionIds(file)) {
            notes.add("its position_ids are damaged: a merge has averaged them; 'convert' repairs them");
        }
        Map<String, Long> encoders = file.tensors().keySet().stream()
                .filter(name -> name.endsWith("token_embedding.weight"))
                .collect(Collectors.groupingBy(
                        name -> name.startsWith(DiffusersModel.XL_TEXT) ? "XL" : "SD", Collectors.counting()));
        if (encoders.size() > 1 || encoders.getOrDefault("SD", 0L) > 1 || encoders.getOrDefault("XL", 0L) > 2) {
            notes.add("it holds more text encoders than a model has, of different families");
        }
        long leftovers = file.tensors().keySet().stream()
                .filter(name -> !name.startsWith(Component.EMA.prefix()) && Slim.isTrainingState(name))
                .count();
        if (leftovers > 0) {
            notes.add("%d tensors are leftovers of training; 'convert --prune' leaves them out".formatted(leftovers));
        }
    }

    private static long axis(Checkpoint file, String tensor, int axis) {
        return file.find(tensor)
                .map(Tensor::shape)
                .filter(shape -> axis < shape.rank())
                .map(shape -> shape.size(axis))
                .orElse(-1L);
    }
}
