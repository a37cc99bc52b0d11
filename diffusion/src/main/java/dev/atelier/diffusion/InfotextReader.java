package dev.atelier.diffusion;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** From the words of infotext to a request. */
final class InfotextReader {
    private final Map<String, String> parameters;

    private InfotextReader(Map<String, String> parameters) {
        this.parameters = parameters;
    }

    static GenerationRequest request(Infotext infotext) {
        return new InfotextReader(infotext.parameters())
                .read(GenerationRequest.of(infotext.prompt()).negativePrompt(infotext.negativePrompt()));
    }

    private GenerationRequest read(GenerationRequest start) {
        Size size = read("Size", InfotextReader::size, new Size(start.width(), start.height()));
        SamplerChoice sampler = sampler("Sampler", "Schedule type", start.sampler());
        GenerationRequest request = start.size(size.width(), size.height())
                .steps(read("Steps", Integer::valueOf, start.steps()))
                .sampler(sampler)
                .samplerOptions(samplerOptions(sampler.name()))
                .cfgScale(read("CFG scale", Double::valueOf, start.cfgScale()))
                .imageCfgScale(read("Image CFG scale", Double::valueOf, start.imageCfgScale()))
                .seed(read("Seed", Long::valueOf, start.seed()))
                .clipSkip(read("Clip skip", Integer::valueOf, 1))
                .noiseSeedDelta(read("ENSD", Long::valueOf, 0L))
                .tiling(isTrue("Tiling"))
                .noiseTable(new NoiseTable(
                        isTrue("Downcast alphas_cumprod"),
                        parameters.getOrDefault("Noise Schedule", "").equals("Zero Terminal SNR")))
                .oldTimelines(isTrue("Old prompt editing timelines"))
                // AUTOMATIC1111 says nothing of its default, which draws as NV does
                .rng(read("RNG", NoiseSource::valueOf, NoiseSource.NV))
                .padding(
                        isTrue("Pad conds v0")
                                ? PromptPadding.LAST
                                : isTrue("Pad conds") ? PromptPadding.EMPTY : PromptPadding.NONE)
                .emphasis(read("Emphasis", InfotextReader::emphasis, EmphasisMode.ORIGINAL));
        request = request.guidance(new GuidanceOptions(
                read("Skip Early CFG", Double::valueOf, 0.0),
                read("NGMS", Double::valueOf, 0.0),
                isTrue("NGMS all steps"),
                false));
        request = request.sdxl(new SdxlOptions(
                read("SDXL crop top", Integer::valueOf, 0),
                read("SDXL crop left", Integer::valueOf, 0),
                read("SDXL low aesthetic score", Double::valueOf, SdxlOptions.DEFAULT.lowAestheticScore()),
                read("SDXL high aesthetic score", Double::valueOf, SdxlOptions.DEFAULT.highAestheticScore())));
        request = request.acceleration(new Acceleration(
                read("DeepCache interval", Integer::valueOf, 1),
                read("DeepCache depth", Integer::valueOf, 1),
                read("Token merging ratio", Double::valueOf, 0.0),
                read("Token merging ratio hr", Double::valueOf, 0.0)));
        if (parameters.containsKey("Variation seed")) {
            request = request.variation(new Variation(
                    read("Variation seed", Long::valueOf, 0L), read("Variation seed strength", Double::valueOf, 0.0)));
        }
        if (parameters.containsKey("Seed resize from")) {
            request = request.seedResizeFrom(read("Seed resize from", InfotextReader::size, size));
        }
        return parameters.containsKey("Hires upscaler") ? request.hiresFix(hires(sampler)) : request;
    }

    private HiresFix hires(SamplerChoice first) {
        Size resize = read("Hires resize", InfotextReader::size, new Size(0, 0));
        HiresFix hires = resize.width() > 0 || resize.height() > 0
                ? HiresFix.to(resize.width(), resize.height())
                : HiresFix.by(read("Hires upscale", Double::valueOf, 2.0));
        boolean otherSampler = parameters.containsKey("Hires sampler") || parameters.containsKey("Hires schedule type");
        return hires.upscaler(read("Hires upscaler", Upscaler::new, Upscaler.LATENT))
                .steps(read("Hires steps", Integer::valueOf, 0))
                .denoisingStrength(read("Denoising strength", Double::valueOf, hires.denoisingStrength()))
                .extraNoise(read("Extra noise", Double::valueOf, 0.0))
                .sampler(otherSampler ? sampler("Hires sampler", "Hires schedule type", first) : null)
                .prompts(
                        parameters.getOrDefault("Hires prompt", ""),
                        parameters.getOrDefault("Hires negative prompt", ""));
    }

    private SamplerChoice sampler(String nameKey, String schedulerKey, SamplerChoice otherwise) {
        String name = parameters.getOrDefault(nameKey, otherwise.name().label());
        @Nullable String scheduler = parameters.get(schedulerKey);
        if (scheduler == null && !parameters.containsKey(nameKey)) {
            return otherwise;
        }
        return SamplerChoice.named(name, scheduler);
    }

    private SamplerOptions samplerOptions(SamplerName sampler) {
        String etaKey = sampler.defaultEta() == 0 ? "Eta DDIM" : "Eta";
        return new SamplerOptions(
                parameters.containsKey(etaKey) ? read(etaKey, Double::valueOf, 1.0) : null,
                read("Sigma churn", Double::valueOf, 0.0),
                read("Sigma tmin", Double::valueOf, 0.0),
                read("Sigma tmax", Double::valueOf, 0.0),
                read("Sigma noise", Double::valueOf, 1.0),
                new ScheduleOptions(
                        read("Schedule min sigma", Double::valueOf, 0.0),
                        read("Schedule max sigma", Double::valueOf, 0.0),
                        read("Schedule rho", Double::valueOf, 0.0),
                        read("Beta schedule alpha", Double::valueOf, ScheduleOptions.DEFAULT.alpha()),
                        read("Beta schedule beta", Double::valueOf, ScheduleOptions.DEFAULT.beta()),
                        isTrue("Discard penultimate sigma"),
                        isTrue("SGM noise multiplier")),
                UniPcOptions.named(
                        parameters.getOrDefault("UniPC variant", "bh1"),
                        parameters.getOrDefault("UniPC skip type", "time_uniform"),
                        read("UniPC order", Integer::valueOf, UniPcOptions.DEFAULT.order()),
                        !parameters.getOrDefault("UniPC lower order final", "").equals("False")));
    }

    private boolean isTrue(String key) {
        return parameters.getOrDefault(key, "").equals("True");
    }

    private <T> T read(String key, Function<String, T> reader, T otherwise) {
        String value = parameters.get(key);
        if (value == null) {
            return otherwise;
        }
        try {
            return reader.apply(value);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "infotext says \"%s: %s\", which cannot be used".formatted(key, value), e);
        }
    }

    private static Size size(String text) {
        String[] sides = text.split("x", 2);
        return new Size(Integer.parseInt(sides[0]), Integer.parseInt(sides.length > 1 ? sides[1] : ""));
    }

    private static EmphasisMode emphasis(String label) {
        return Arrays.stream(EmphasisMode.values())
                .filter(mode -> mode.label().equals(label))
                .findFirst()
                .orElseThrow(IllegalArgumentException::new);
    }
}
