package dev.atelier.server.studio;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Recognition;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The side of the squares that a model was trained on, in pixels. */
final class NativeSize {
    private static final Pattern RESOLUTION = Pattern.compile("(\\d{2,4})x(\\d{2,4})");

    private NativeSize() {}

    /** What the file says of itself (Model Spec), or else what its family was trained on. */
    static int of(Checkpoint model, Recognition recognition) {
        Matcher said = RESOLUTION.matcher(model.metadata().getOrDefault("modelspec.resolution", ""));
        if (said.matches()) {
            return Integer.parseInt(said.group(1));
        }
        return switch (recognition.architecture()) {
            case SDXL, SDXL_REFINER, SD3_OR_FLUX -> 1024;
            case SD2 -> recognition.prediction().startsWith("v") ? 768 : 512;
            default -> 512;
        };
    }
}
