package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Where a checkpoint says what its UNet predicts: a configuration file beside it, its metadata, or a marker tensor. */
final class PredictionMarks {
    /** An empty tensor of this name marks models with a zero terminal signal-to-noise ratio. */
    static final String ZERO_TERMINAL_SNR = "ztsnr";

    private static final String V_PREDICTION = "v_pred";

    // `parameterization: "v"` of the original configuration files, `…denoiser_scaling.VScaling` of SDXL's
    private static final Pattern V_IN_YAML =
            Pattern.compile("(?m)^\\s*parameterization\\s*:\\s*[\"']?v[\"']?\\s*(#.*)?$|\\bVScaling\\b");

    private static final int MAX_YAML = 1 << 20;

    private PredictionMarks() {}

    /** What the UNet predicts; null if nothing tells and models of both kinds exist. */
    static @Nullable Prediction prediction(Checkpoint checkpoint, Family family, UNetConfig unet) {
        Prediction configured = beside(checkpoint);
        if (configured != null) {
            return configured;
        }
        if (checkpoint.has(V_PREDICTION)) {
            return Prediction.V;
        }
        Prediction stated = stated(checkpoint.metadata());
        if (stated != null) {
            return stated;
        }
        boolean open = family == Family.SD2 && unet.inputChannels() == UNetConfig.LATENT_CHANNELS;
        return open ? null : Prediction.EPSILON;
    }

    /** AUTOMATIC1111 goes by {@code model.yaml} beside {@code model.safetensors} before anything else. */
    private static @Nullable Prediction beside(Checkpoint checkpoint) {
        Path file = checkpoint.name();
        String name = file.getFileName() == null ? "" : file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        if (dot <= 0) {
            return null;
        }
        Path yaml = file.resolveSibling(name.substring(0, dot) + ".yaml");
        if (!Files.isRegularFile(yaml)) {
            return null;
        }
        try (InputStream stored = Files.newInputStream(yaml)) {
            Matcher v = V_IN_YAML.matcher(new String(stored.readNBytes(MAX_YAML), StandardCharsets.UTF_8));
            return v.find() ? Prediction.V : Prediction.EPSILON;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code modelspec.prediction_type} of safetensors metadata, as kohya's trainer writes it, or diffusers' word for it. */
    private static @Nullable Prediction stated(Map<String, String> metadata) {
        String value = metadata.getOrDefault("modelspec.prediction_type", "").toLowerCase(Locale.ROOT);
        return switch (value) {
            case "v", "v_prediction" -> Prediction.V;
            case "epsilon", "eps" -> Prediction.EPSILON;
            default -> null;
        };
    }
}
