package dev.atelier.server.worker;

import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.ControlPasses;
import dev.atelier.diffusion.ControlUnit;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.ResizeMode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A ControlNet and what it is shown, as {@link ControlUnit} says it, with pictures as keys of the store.
 *
 * @param image null for the picture that is started from
 */
public record ControlPicture(
        String net,
        @Nullable String image,
        Extraction extraction,
        double weight,
        double start,
        double end,
        ControlMode mode,
        ResizeMode resizeMode,
        @Nullable String region,
        List<Double> layers,
        ControlPasses passes,
        List<Double> thresholds) {

    public ControlPicture {
        layers = layers == null ? List.of() : List.copyOf(layers); // jobs of earlier versions have none
        thresholds = thresholds == null ? List.of() : List.copyOf(thresholds); // the same
        passes = passes == null ? ControlPasses.BOTH : passes;
    }

    /** Everywhere, in all passes. */
    public ControlPicture(
            String net,
            @Nullable String image,
            Extraction extraction,
            double weight,
            double start,
            double end,
            ControlMode mode,
            ResizeMode resizeMode) {
        this(
                net,
                image,
                extraction,
                weight,
                start,
                end,
                mode,
                resizeMode,
                null,
                List.of(),
                ControlPasses.BOTH,
                List.of());
    }

    ControlUnit unit(Pictures pictures) {
        return new ControlUnit(
                net,
                image == null ? null : pictures.read(image),
                extraction,
                weight,
                start,
                end,
                mode,
                resizeMode,
                region == null ? null : pictures.read(region),
                layers,
                passes,
                thresholds);
    }
}
