package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.PredictionType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is known of a checkpoint's UNet before it has run: from a configuration file beside it, or from the file itself. */
final class KnownPrediction {
    // `parameterization: "v"` of the original configuration files, `…denoiser_scaling.VScaling` of SDXL's
    private static final Pattern V_IN_YAML =
            Pattern.compile("(?m)^\\s*parameterization\\s*:\\s*[\"']?v[\"']?\\s*(#.*)?$|\\bVScaling\\b");

    private static final int MAX_YAML = 1 << 20;

    private KnownPrediction() {}

    /** What the UNet predicts; null if nothing tells and models of both kinds exist. */
    static @Nullable PredictionType prediction(Checkpoint checkpoint, Family family, UNetConfig unet) {
        PredictionType configured = beside(checkpoint);
        if (configured != null) {
            return configured;
        }
        boolean open = family == Family.SD2 && unet.inputChannels() == UNetConfig.LATENT_CHANNELS;
        return PredictionType.stated(checkpoint).orElse(open ? null : PredictionType.EPSILON);
    }

    /** AUTOMATIC1111 goes by {@code model.yaml} beside {@code model.safetensors} before anything else. */
    private static @Nullable PredictionType beside(Checkpoint checkpoint) {
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
            return v.find() ? PredictionType.V : PredictionType.EPSILON;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
