package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.util.List;

/**
 * The hyper-parameters of a CLIP text encoder that its tensors' shapes do not carry by themselves.
 *
 * @param prefix what the names of its tensors start with
 * @param names how its tensors are called below the prefix
 * @param layers 12 for CLIP ViT-L/14, 24 for OpenCLIP ViT-H/14, 32 for OpenCLIP ViT-bigG/14
 * @param heads 12, 16 and 20
 * @param output what of it guides the UNet
 */
public record TextEncoderConfig(String prefix, TextEncoderNames names, int layers, int heads, Output output) {

    /** What the families of Stable Diffusion take from a text encoder. */
    public enum Output {
        /** SD 1.x: what the last layer puts out, normalised. Here clip skip counts. */
        LAST,
        /** SD 2.x: what the last layer but one puts out, normalised. */
        PENULTIMATE_NORMALIZED,
        /** SDXL, CLIP: what the last layer but one puts out. */
        PENULTIMATE,
        /** SDXL, OpenCLIP: the same, and beside it a vector for the whole text from the last layer. */
        PENULTIMATE_AND_POOLED
    }

    /** All CLIP text encoders use heads of this width. */
    private static final int HEAD_WIDTH = 64;

    private static final int OPEN_CLIP_LAYERS = 24; // of ViT-H/14

    /** The text encoders of a model, in the order in which their outputs are laid side by side. */
    static List<TextEncoderConfig> detect(Checkpoint checkpoint, Family family) {
        return switch (family) {
            case SD1 ->
                List.of(detect(
                        checkpoint,
                        "cond_stage_model.transformer.text_model.",
                        TextEncoderNames.TRANSFORMERS,
                        Output.LAST));
            case SD2 ->
                List.of(detect(
                        checkpoint,
                        "cond_stage_model.model.",
                        TextEncoderNames.OPEN_CLIP,
                        Output.PENULTIMATE_NORMALIZED));
            case SDXL ->
                List.of(
                        detect(
                                checkpoint,
                                "conditioner.embedders.0.transformer.text_model.",
                                TextEncoderNames.TRANSFORMERS,
                                Output.PENULTIMATE),
                        detect(
                                checkpoint,
                                "conditioner.embedders.1.model.",
                                TextEncoderNames.OPEN_CLIP,
                                Output.PENULTIMATE_AND_POOLED));
            case SDXL_REFINER ->
                List.of(detect(
                        checkpoint,
                        "conditioner.embedders.0.model.",
                        TextEncoderNames.OPEN_CLIP,
                        Output.PENULTIMATE_AND_POOLED));
        };
    }

    /**
     * Derives the configuration from the names and shapes of a checkpoint; the number of heads of an unusually narrow
     * encoder from its metadata, {@code atelier.text_num_attention_heads}.
     */
    private static TextEncoderConfig detect(
            Checkpoint checkpoint, String prefix, TextEncoderNames names, Output output) {
        KeyTree keys = new KeyTree(checkpoint);
        String tokens = prefix + names.tokens;
        String positions = prefix + names.positions;
        if (keys.size(tokens, 0) != ClipTokenizer.VOCABULARY || keys.size(positions, 0) != ClipTokenizer.WINDOW) {
            throw new InvalidCheckpointException(
                    checkpoint.name(),
                    Reason.SHAPE_MISMATCH,
                    "its text encoder knows %d tokens and %d positions where CLIP's has %d and %d"
                            .formatted(
                                    keys.size(tokens, 0),
                                    keys.size(positions, 0),
                                    ClipTokenizer.VOCABULARY,
                                    ClipTokenizer.WINDOW));
        }
        int layers = keys.count(prefix + names.layers);
        if (layers < 2) {
            throw keys.unknownLayout("its text encoder %s has %d layers".formatted(prefix, layers));
        }
        // transformers' models of SD 2 end where it is read: the last layer and the projection are missing
        boolean cut = output == Output.PENULTIMATE_NORMALIZED
                && layers < OPEN_CLIP_LAYERS
                && !checkpoint.has(prefix + "text_projection");
        int heads = (int) Math.max(1, keys.size(tokens, 1) / HEAD_WIDTH);
        return new TextEncoderConfig(
                prefix,
                names,
                cut ? layers + 1 : layers,
                keys.setting("atelier.text_num_attention_heads", heads),
                output);
    }

    /**
     * How many layers a token's vector goes through.
     *
     * @param clipSkip as AUTOMATIC1111 counts, 1 is to skip none; it acts on SD 1.x alone
     */
    int depth(int clipSkip) {
        return switch (output) {
            case LAST -> Math.max(0, layers - (clipSkip - 1));
            case PENULTIMATE_NORMALIZED, PENULTIMATE, PENULTIMATE_AND_POOLED -> layers - 1;
        };
    }

    /** The name of the tensor that has a vector for each token. */
    public String tokenTable() {
        return prefix + names.tokens;
    }

    /** How long the vectors of tokens are. */
    long width(Checkpoint checkpoint) {
        return checkpoint.tensor(prefix + names.tokens).shape().size(1);
    }

    boolean normalizes() {
        return output == Output.LAST || output == Output.PENULTIMATE_NORMALIZED;
    }

    /** Whether there is a vector for the whole text. */
    public boolean pools() {
        return output == Output.PENULTIMATE_AND_POOLED;
    }

    /**
     * The windows as this encoder was trained to read them: OpenAI's CLIP is filled up with EOS, as {@code tokens} are;
     * OpenCLIP with 0.
     */
    public int[][] padded(int[][] tokens) {
        if (names == TextEncoderNames.TRANSFORMERS) {
            return tokens;
        }
        int[][] padded = new int[tokens.length][];
        for (int i = 0; i < tokens.length; i++) {
            padded[i] = new int[tokens[i].length];
            for (int j = 0; j < tokens[i].length; j++) {
                padded[i][j] = tokens[i][j];
                if (tokens[i][j] == ClipTokenizer.EOS) {
                    break;
                }
            }
        }
        return padded;
    }
}
