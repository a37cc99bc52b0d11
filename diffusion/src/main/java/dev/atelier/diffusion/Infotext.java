package dev.atelier.diffusion;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a picture was made, as AUTOMATIC1111 writes it into image files: the prompt, the negative prompt, and one line of
 * {@code key: value} pairs.
 *
 * <pre>
 * a cat
 * Negative prompt: blurry
 * Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.0, Seed: 42, Size: 512x512, ...
 * </pre>
 *
 * @param parameters in the order of the text, values as they read without quotes
 */
public record Infotext(String prompt, String negativePrompt, Map<String, String> parameters) {
    private static final String NEGATIVE_PROMPT = "Negative prompt:";

    private static final Pattern EMPHASIS = Pattern.compile("[(\\[]");

    // AUTOMATIC1111 takes a last line with fewer pairs for a part of the prompt
    private static final int FEWEST_PARAMETERS = 3;

    public Infotext {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }

    /**
     * What AUTOMATIC1111 would say of the same picture, with our name under {@code Version}.
     *
     * @param picture its place among those of the request, from 0
     */
    static Infotext of(GenerationRequest request, int picture, ModelLabel model, String version) {
        return of(request, picture, model, Map.of(), null, version);
    }

    /**
     * @param networks what is said of the files that the prompts named, by key
     * @param refiner the title of the model that finished the picture, or null
     */
    static Infotext of(
            GenerationRequest request,
            int picture,
            ModelLabel model,
            Map<String, String> networks,
            @Nullable String refiner,
            String version) {
        Map<String, String> parameters = new LinkedHashMap<>();
        Variation variation = request.variation();
        long seed = variation.isNone() ? request.seed() + picture : request.seed();
        parameters.put("Steps", Integer.toString(request.steps()));
        parameters.put("Sampler", request.sampler().name().label());
        parameters.put("Schedule type", request.sampler().scheduler().label());
        // from 0.001 on, Double.toString writes the digits of Python's str
        parameters.put("CFG scale", Double.toString(request.cfgScale()));
        parameters.put("Seed", Long.toString(seed));
        parameters.put("Size", request.width() + "x" + request.height());
        if (model.hash() != null) {
            parameters.put("Model hash", model.hash());
        }
        parameters.put("Model", model.name());
        if (model.vae() != null) {
            if (model.vae().hash() != null) {
                parameters.put("VAE hash", model.vae().hash());
            }
            parameters.put("VAE", model.vae().name());
        }
        if (!variation.isNone()) {
            parameters.put("Variation seed", Long.toString(variation.seed() + picture));
            parameters.put("Variation seed strength", Double.toString(variation.strength()));
        }
        if (request.seedResizeFrom() != null) {
            parameters.put("Seed resize from", request.seedResizeFrom().toString());
        }
        putStrength(request, parameters);
        if (request.clipSkip() > 1) {
            parameters.put("Clip skip", Integer.toString(request.clipSkip()));
        }
        SamplerName sampler = request.sampler().name();
        if (request.noiseSeedDelta() != 0
                && sampler.has(SamplerTrait.USES_ENSD)
                && sampler.eta(request.samplerOptions()) != 0) {
            parameters.put("ENSD", Long.toString(request.noiseSeedDelta()));
        }
        Acceleration acceleration = request.acceleration();
        putUnless(0, "Token merging ratio", acceleration.mergedTokens(), parameters);
        if (request.hiresFix() != null) {
            putUnless(0, "Token merging ratio hr", acceleration.ofHires().mergedTokens(), parameters);
        }
        parameters.put("RNG", request.rng().name());
        if (request.tiling()) {
            parameters.put("Tiling", "True");
        }
        putHires(request, parameters);
        putImageToImage(request.imageToImage(), parameters);
        putSettings(request, parameters);
        if (refiner != null) {
            parameters.put("Refiner", refiner);
            parameters.put("Refiner switch at", Double.toString(request.refinerSwitchAt()));
        }
        putControls(request, parameters);
        parameters.putAll(networks);
        parameters.put("Version", version);
        return new Infotext(request.prompt(), request.negativePrompt(), parameters);
    }

    /** As AUTOMATIC1111's extension writes them. */
    private static void putControls(GenerationRequest request, Map<String, String> parameters) {
        for (int i = 0; i < request.controls().size(); i++) {
            ControlUnit unit = request.controls().get(i);
            StringBuilder thresholds = new StringBuilder();
            for (int t = 0; t < unit.thresholds().size(); t++) {
                thresholds.append(", Threshold %s: %s"
                        .formatted(t == 0 ? "A" : "B", unit.thresholds().get(t)));
            }
            parameters.put(
                    "ControlNet " + i,
                    "Module: %s, Model: %s, Weight: %s, Resize Mode: %s%s, Guidance Start: %s, Guidance End: %s, Pixel Perfect: True, Control Mode: %s"
                            .formatted(
                                    unit.extraction().label(),
                                    unit.net(),
                                    unit.weight(),
                                    unit.resizeMode() == ResizeMode.CROP_AND_RESIZE
                                            ? "Crop and Resize"
                                            : unit.resizeMode().label(),
                                    thresholds,
                                    unit.start(),
                                    unit.end(),
                                    unit.mode().label()));
        }
    }

    private static void putStrength(GenerationRequest request, Map<String, String> parameters) {
        if (request.hiresFix() != null) {
            parameters.put(
                    "Denoising strength", Double.toString(request.hiresFix().denoisingStrength()));
        }
        ImageToImage from = request.imageToImage();
        if (from != null) {
            parameters.put("Denoising strength", Double.toString(from.denoisingStrength()));
        }
    }

    private static void putHires(GenerationRequest request, Map<String, String> parameters) {
        HiresFix hires = request.hiresFix();
        if (hires == null) {
            return;
        }
        SamplerChoice sampler = hires.sampler();
        if (sampler != null && sampler.name() != request.sampler().name()) {
            parameters.put("Hires sampler", sampler.name().label());
        }
        if (!hires.prompt().isEmpty() && !hires.prompt().equals(request.prompt())) {
            parameters.put("Hires prompt", hires.prompt());
        }
        if (!hires.negativePrompt().isEmpty() && !hires.negativePrompt().equals(request.negativePrompt())) {
            parameters.put("Hires negative prompt", hires.negativePrompt());
        }
        if (sampler != null && sampler.scheduler() != request.sampler().scheduler()) {
            parameters.put("Hires schedule type", sampler.scheduler().label());
        }
        if (hires.isResize()) {
            parameters.put("Hires resize", hires.width() + "x" + hires.height());
        } else {
            parameters.put("Hires upscale", Double.toString(hires.scale()));
        }
        if (hires.steps() > 0) {
            parameters.put("Hires steps", Integer.toString(hires.steps()));
        }
        parameters.put("Hires upscaler", hires.upscaler().label());
        putUnless(0, "Extra noise", hires.extraNoise(), parameters);
    }

    private static void putImageToImage(@Nullable ImageToImage from, Map<String, String> parameters) {
        if (from == null) {
            return;
        }
        Inpainting inpainting = from.inpainting();
        if (inpainting != null) {
            if (inpainting.inverted()) {
                parameters.put("Mask mode", "Inpaint not masked");
            }
            if (inpainting.blurX() > 0 && inpainting.blurX() == inpainting.blurY()) {
                parameters.put("Mask blur", Integer.toString(inpainting.blurX()));
            }
            if (inpainting.isOnlyMasked()) {
                parameters.put("Inpaint area", "Only masked");
                parameters.put("Masked area padding", Integer.toString(inpainting.padding()));
            }
            if (inpainting.content() != MaskedContent.ORIGINAL) {
                parameters.put("Masked content", inpainting.content().label());
            }
        }
        putSoftInpainting(inpainting == null ? null : inpainting.soft(), parameters);
        putUnless(1, "Noise multiplier", from.noiseMultiplier(), parameters);
        putUnless(0, "Extra noise", from.extraNoise(), parameters);
    }

    private static void putSoftInpainting(@Nullable SoftInpainting soft, Map<String, String> parameters) {
        if (soft != null) {
            parameters.put("Soft inpainting enabled", "True");
            parameters.put("Soft inpainting schedule bias", Double.toString(soft.scheduleBias()));
            parameters.put("Soft inpainting preservation strength", Double.toString(soft.preservation()));
            parameters.put("Soft inpainting transition contrast boost", Double.toString(soft.contrastBoost()));
            parameters.put("Soft inpainting mask influence", Double.toString(soft.maskInfluence()));
            parameters.put("Soft inpainting difference threshold", Double.toString(soft.differenceThreshold()));
            parameters.put("Soft inpainting difference contrast", Double.toString(soft.differenceContrast()));
        }
    }

    /** The settings that are not AUTOMATIC1111's defaults and that this request's sampler or prompts know. */
    private static void putSettings(GenerationRequest request, Map<String, String> parameters) {
        SamplerName sampler = request.sampler().name();
        SamplerOptions options = request.samplerOptions();
        double eta = sampler.eta(options);
        if (sampler.has(SamplerTrait.ETA) && eta != sampler.defaultEta()) {
            parameters.put(sampler.defaultEta() == 0 ? "Eta DDIM" : "Eta", Double.toString(eta));
        }
        if (sampler.has(SamplerTrait.CHURN)) {
            putUnless(0, "Sigma churn", options.churn(), parameters);
            putUnless(0, "Sigma tmin", options.tmin(), parameters);
            putUnless(0, "Sigma tmax", options.tmax(), parameters);
        }
        if (sampler.has(SamplerTrait.NOISE)) {
            putUnless(1, "Sigma noise", options.noise(), parameters);
        }
        if (!sampler.has(SamplerTrait.OWN_LEVELS)) {
            putSchedule(request.sampler(), options.schedule(), parameters);
        }
        if (sampler == SamplerName.UNIPC) {
            putUniPc(options.uniPc(), parameters);
        }
        if (request.noiseTable().halfPrecision()) {
            parameters.put("Downcast alphas_cumprod", "True");
        }
        if (request.noiseTable().zeroTerminalSnr()) {
            parameters.put("Noise Schedule", "Zero Terminal SNR");
        }
        if (request.oldTimelines()) {
            parameters.put("Old prompt editing timelines", "True");
        }
        putSdxl(request.sdxl(), parameters);
        putUnless(0, "Skip Early CFG", request.guidance().skipEarly(), parameters);
        putUnless(0, "NGMS", request.guidance().minSigma(), parameters);
        if (request.guidance().minSigmaAll()) {
            parameters.put("NGMS all steps", "True");
        }
        Acceleration acceleration = request.acceleration();
        if (acceleration.cacheInterval() > 1) {
            parameters.put("DeepCache interval", Integer.toString(acceleration.cacheInterval()));
            parameters.put("DeepCache depth", Integer.toString(acceleration.cacheDepth()));
        }
        boolean emphasized =
                EMPHASIS.matcher(request.prompt() + request.negativePrompt()).find();
        if (emphasized && request.emphasis() != EmphasisMode.ORIGINAL) {
            parameters.put("Emphasis", request.emphasis().label());
        }
    }

    private static void putUniPc(UniPcOptions options, Map<String, String> parameters) {
        UniPcOptions usual = UniPcOptions.DEFAULT;
        if (options.variant() != usual.variant()) {
            parameters.put("UniPC variant", options.variant().toString());
        }
        if (options.spacing() != usual.spacing()) {
            parameters.put("UniPC skip type", options.spacing().toString());
        }
        if (options.order() != usual.order()) {
            parameters.put("UniPC order", Integer.toString(options.order()));
        }
        if (!options.lowerOrderFinal()) {
            parameters.put("UniPC lower order final", "False");
        }
    }

    private static void putSchedule(SamplerChoice sampler, ScheduleOptions options, Map<String, String> parameters) {
        putUnless(0, "Schedule min sigma", options.sigmaMin(), parameters);
        putUnless(0, "Schedule max sigma", options.sigmaMax(), parameters);
        switch (sampler.scheduler()) {
            case KARRAS, POLYEXPONENTIAL -> putUnless(0, "Schedule rho", options.rho(), parameters);
            case BETA -> {
                parameters.put("Beta schedule alpha", Double.toString(options.alpha()));
                parameters.put("Beta schedule beta", Double.toString(options.beta()));
            }
            default -> {
                // the others have no more to set
            }
        }
        if (options.discardPenultimate() && !sampler.name().has(SamplerTrait.DISCARDS_PENULTIMATE)) {
            parameters.put("Discard penultimate sigma", "True");
        }
        if (options.sgmNoise()) {
            parameters.put("SGM noise multiplier", "True");
        }
    }

    private static void putSdxl(SdxlOptions options, Map<String, String> parameters) {
        if (options.cropTop() != 0) {
            parameters.put("SDXL crop top", Integer.toString(options.cropTop()));
        }
        if (options.cropLeft() != 0) {
            parameters.put("SDXL crop left", Integer.toString(options.cropLeft()));
        }
        putUnless(
                SdxlOptions.DEFAULT.lowAestheticScore(),
                "SDXL low aesthetic score",
                options.lowAestheticScore(),
                parameters);
        putUnless(
                SdxlOptions.DEFAULT.highAestheticScore(),
                "SDXL high aesthetic score",
                options.highAestheticScore(),
                parameters);
    }

    private static void putUnless(double standard, String key, double value, Map<String, String> parameters) {
        if (value != standard) {
            parameters.put(key, Double.toString(value));
        }
    }

    /**
     * Reads infotext that we or AUTOMATIC1111 wrote. Lines lose the white space around them, and a line of the prompt
     * that begins with {@code Negative prompt:} begins the negative prompt: the format cannot tell them apart. Never
     * fails; a text without parameters is a prompt.
     */
    public static Infotext parse(String text) {
        List<String> lines = new ArrayList<>(List.of(text.strip().split("\n", -1)));
        Map<String, String> parameters = ParameterLine.parse(lines.getLast());
        if (parameters.size() >= FEWEST_PARAMETERS) {
            lines.removeLast();
        } else {
            parameters = Map.of();
        }
        List<String> prompt = new ArrayList<>();
        List<String> negativePrompt = new ArrayList<>();
        List<String> current = prompt;
        for (String line : lines) {
            String content = line.strip();
            if (content.startsWith(NEGATIVE_PROMPT)) {
                content = content.substring(NEGATIVE_PROMPT.length()).strip();
                current = negativePrompt;
            }
            current.add(content);
        }
        return new Infotext(join(prompt), join(negativePrompt), parameters);
    }

    /**
     * The request that draws the picture again, as far as its text tells: a picture that it started from, and a model,
     * are not in there. What is missing or of another kind of picture is left at its default, as in AUTOMATIC1111.
     *
     * @throws IllegalArgumentException if a setting is out of range; the message names it
     */
    public GenerationRequest request() {
        return InfotextReader.request(this);
    }

    private static String join(List<String> lines) {
        return String.join("\n", lines).stripLeading();
    }

    /** The text that goes into the image file. */
    public String text() {
        String negative = negativePrompt.isEmpty() ? "" : "\n" + NEGATIVE_PROMPT + " " + negativePrompt;
        return (prompt + negative + "\n" + ParameterLine.write(parameters)).strip();
    }
}
