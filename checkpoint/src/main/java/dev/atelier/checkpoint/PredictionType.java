package dev.atelier.checkpoint;

import java.util.Locale;
import java.util.Optional;

/** What a UNet was trained to tell of a noisy latent √ᾱ·x0 + √(1 − ᾱ)·ε. */
public enum PredictionType {
    /** The noise ε (Ho et al. 2020, arXiv 2006.11239). */
    EPSILON,

    /** v = √ᾱ·ε − √(1 − ᾱ)·x0 (Salimans and Ho 2022, arXiv 2202.00512). */
    V;

    /** ModelSpec's key: "epsilon" or "v". */
    static final String METADATA = "modelspec.prediction_type";

    /** "true" where the noise schedule was rescaled so that its last step is pure noise. */
    public static final String ZERO_TERMINAL_SNR = "atelier.zero_terminal_snr";

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
