package dev.atelier.server.worker;

import dev.atelier.diffusion.Acceleration;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.GuidanceOptions;
import dev.atelier.diffusion.NoiseTable;
import dev.atelier.diffusion.Outpainting;
import dev.atelier.diffusion.PromptPadding;
import dev.atelier.diffusion.SdUpscale;
import dev.atelier.diffusion.SdxlOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What few requests have.
 *
 * @param controls pictures that control what is drawn
 * @param hires the model of the shelf that draws the second pass of a hires fix; null for the same
 * @param refiner the model of the shelf that finishes the picture; null for none
 * @param refinerSwitchAt when it takes over, as a share of the way
 * @param acceleration null for the exact picture
 * @param tiling whether the picture is a tile of an endless pattern; null for not
 * @param noiseSeedDelta "eta noise seed delta"; null for none
 * @param sdxl null for the usual
 * @param padding how prompts become equally long; null for not at all
 * @param commaBacktrack see {@link GenerationRequest#commaBacktrack}; null for 20
 * @param sdUpscale null for a picture that is drawn in one piece
 * @param outpainting null for a picture that keeps its edges
 * @param noiseTable null for the one that the model was trained on
 * @param oldTimelines see {@link GenerationRequest#oldTimelines}; null for not
 */
public record Extras(
        List<ControlPicture> controls,
        @Nullable GuidanceOptions guidance,
        @Nullable Double imageCfgScale,
        @Nullable String hires,
        @Nullable String refiner,
        @Nullable Double refinerSwitchAt,
        @Nullable Acceleration acceleration,
        @Nullable Boolean tiling,
        @Nullable Long noiseSeedDelta,
        @Nullable SdxlOptions sdxl,
        @Nullable PromptPadding padding,
        @Nullable Integer commaBacktrack,
        @Nullable SdUpscale sdUpscale,
        @Nullable Outpainting outpainting,
        @Nullable NoiseTable noiseTable,
        @Nullable Boolean oldTimelines) {
    public static final Extras NONE = of(List.of());

    public Extras {
        controls = List.copyOf(controls);
    }

    public static Extras of(List<ControlPicture> controls) {
        return new Extras(
                controls, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
    }

    /** With a refiner, which takes over at this share of the way. */
    public Extras refinedBy(String model, double at) {
        return new Extras(
                controls,
                guidance,
                imageCfgScale,
                hires,
                model,
                at,
                acceleration,
                tiling,
                noiseSeedDelta,
                sdxl,
                padding,
                commaBacktrack,
                sdUpscale,
                outpainting,
                noiseTable,
                oldTimelines);
    }

    GenerationRequest applyTo(GenerationRequest given) {
        GenerationRequest request = guidance == null ? given : given.guidance(guidance);
        request = imageCfgScale == null ? request : request.imageCfgScale(imageCfgScale);
        request = acceleration == null ? request : request.acceleration(acceleration);
        request = tiling == null ? request : request.tiling(tiling);
        request = noiseSeedDelta == null ? request : request.noiseSeedDelta(noiseSeedDelta);
        request = sdxl == null ? request : request.sdxl(sdxl);
        request = padding == null ? request : request.padding(padding);
        request = commaBacktrack == null ? request : request.commaBacktrack(commaBacktrack);
        request = noiseTable == null ? request : request.noiseTable(noiseTable);
        request = oldTimelines == null ? request : request.oldTimelines(oldTimelines);
        request = request.sdUpscale(sdUpscale).outpainting(outpainting);
        return refinerSwitchAt == null ? request : request.refinerSwitchAt(refinerSwitchAt);
    }
}
