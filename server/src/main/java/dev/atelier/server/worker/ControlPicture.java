package dev.atelier.server.worker;

import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.ControlUnit;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.ResizeMode;
import org.jspecify.annotations.Nullable;

/**
 * A ControlNet and what it is shown, as {@link ControlUnit} says it, with the picture as a key of the store.
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
        ResizeMode resizeMode) {

    ControlUnit unit(Pictures pictures) {
        return new ControlUnit(
                net, image == null ? null : pictures.read(image), extraction, weight, start, end, mode, resizeMode);
    }
}
