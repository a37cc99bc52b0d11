package dev.atelier.checkpoint;

import java.util.Locale;
import java.util.Optional;

/** What a UNet predicts, as far as a file says so. */
public enum PredictionType {
    EPSILON,
    V;

    /** ModelSpec's key: "epsilon" or "v". */
    static final String METADATA = "modelspec.prediction_type";

    /** "true" where the noise schedule was rescaled so that its last step is pure noise. */
    static final String ZERO_TERMINAL_SNR = "atelier.zero_terminal_snr";

    private static final String V_KEY = "v_pred";
    private static final String ZERO_TERMINAL_SNR_KEY = "ztsnr";

    /** What markers among the tensors (which XL models carry) or the metadata say; nothing where the file is silent. */
    public static Optional<PredictionType> stated(Checkpoint checkpoint) {
        if (checkpoint.has(V_KEY)) {
            return Optional.of(V);
        }
        return Optional.ofNullable(checkpoint.metadata().get(METADATA))
                .flatMap(type -> switch (type.toLowerCase(Locale.ROOT)) {
                    case "v", "v_prediction", "vpred" -> Optional.of(V);
                    case "epsilon", "eps" -> Optional.of(EPSILON);
                    default -> Optional.empty();
                });
    }

    /** Whether the file says that its noise schedule ends in pure noise. */
    public static boolean isZeroTerminalSnr(Checkpoint checkpoint) {
        return checkpoint.has(ZERO_TERMINAL_SNR_KEY)
                || "true".equalsIgnoreCase(checkpoint.metadata().get(ZERO_TERMINAL_SNR))
                || "true"
                        .equalsIgnoreCase(checkpoint.metadata().get("ss_zero_terminal_snr")); // kohya's training record
    }
}
