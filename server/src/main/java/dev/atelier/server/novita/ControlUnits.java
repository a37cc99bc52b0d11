package dev.atelier.server.novita;

import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.server.worker.ControlPicture;
import java.util.List;

/** ControlNets in requests: {@code controlnet_units} of version 2, {@code controlnet.units} of version 3. */
record ControlUnits(ModelNames models, InputImages images) {
    private static final int MAX = 5;
    private static final List<ResizeMode> RESIZE_MODES =
            List.of(ResizeMode.JUST_RESIZE, ResizeMode.CROP_AND_RESIZE, ResizeMode.RESIZE_AND_FILL);

    List<ControlPicture> ofV2(Fields request) {
        return request.objects("controlnet_units", MAX).stream()
                .map(unit -> control(
                        unit,
                        "model",
                        "input_image",
                        "module",
                        unit.number("weight", 0, 2, 1),
                        List.of(ControlMode.values()).get(unit.integer("control_mode", 0, 2, 0)),
                        RESIZE_MODES.get(unit.integer("resize_mode", 0, 2, 1))))
                .toList();
    }

    List<ControlPicture> ofV3(Fields request) {
        return request.object("controlnet").objects("units", MAX).stream()
                .map(unit -> control(
                        unit,
                        "model_name",
                        "image_base64",
                        "preprocessor",
                        unit.number("strength", 0, 1, 1),
                        ControlMode.BALANCED,
                        ResizeMode.CROP_AND_RESIZE))
                .toList();
    }

    private ControlPicture control(
            Fields unit,
            String model,
            String image,
            String extraction,
            double weight,
            ControlMode mode,
            ResizeMode resizeMode) {
        String net = models.stem(unit.path(model), "ControlNet", unit.requiredText(model, 500));
        String picture = unit.text(image);
        double start = unit.number("guidance_start", 0, 1, 0);
        return new ControlPicture(
                net,
                picture.isEmpty()
                        ? null
                        : images.keep(unit.path(image), picture).key(),
                extraction(unit, extraction),
                weight,
                start,
                unit.number("guidance_end", start, 1, 1),
                mode,
                resizeMode);
    }

    private static Extraction extraction(Fields unit, String name) {
        try {
            return Extraction.named(unit.text(name));
        } catch (IllegalArgumentException e) {
            throw new ProblemException(Problem.NOT_SUPPORTED, "%s: %s".formatted(unit.path(name), e.getMessage()));
        }
    }
}
