package dev.atelier.diffusion;

import static dev.atelier.diffusion.GenerationListener.Phase.DECODING;
import static dev.atelier.diffusion.GenerationListener.Phase.ENCODING;
import static dev.atelier.diffusion.GenerationListener.Phase.SAMPLING;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.SizeConditioning;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** From prompt to pictures with one model. Like the model, not thread-safe. */
public final class TextToImage {
    private static final int LATENT_CHANNELS = 4;

    private final DiffusionModel model;
    private final Supplier<ModelLabel> label;
    private final String version;

    /**
     * @param model stays open; closing it is up to the caller
     * @param label what infotext says about the model; asked for once a picture is there, because it may take time
     * @param version what infotext says about the program: {@code Atelier} and its version
     */
    public TextToImage(DiffusionModel model, Supplier<ModelLabel> label, String version) {
        this.model = model;
        this.label = label;
        this.version = version;
    }

    /**
     * Draws the pictures of a request.
     *
     * @return as many pictures as the batch has, in order of their seeds
     * @throws ArithmeticException if the model yields a value that is not finite; the message says where
     */
    public List<GeneratedImage> generate(GenerationRequest request, GenerationListener listener) {
        SamplerName name = request.sampler().name();
        int calls = name.has(SamplerTrait.SECOND_ORDER) ? 2 * request.steps() : request.steps();
        PromptEncoder encoder = new PromptEncoder(
                model,
                request.emphasis(),
                1,
                calls,
                request.batchSize(),
                SizeConditioning.of(request.width(), request.height()));
        listener.progress(ENCODING, 0, 2);
        Conditioning conditional = encoder.prompt(request.prompt());
        listener.progress(ENCODING, 1, 2);
        Timeline<UNetConditioning> unconditional = encoder.negativePrompt(request.negativePrompt());
        listener.progress(ENCODING, 2, 2);

        NoiseSchedule schedule =
                name.schedule(new NoiseSchedule(model.alphasCumprod(), AlignYourSteps.of(model.family())));
        Denoiser denoiser = new ClassifierFreeGuidance(
                conditioning -> name.denoiser(new NetworkDenoiser(model, schedule, conditioning), schedule),
                conditional,
                unconditional,
                name.guidance(request.cfgScale()));
        return decode(sample(denoiser, schedule, request, listener), request, listener);
    }

    private FloatArray sample(
            Denoiser denoiser, NoiseSchedule schedule, GenerationRequest request, GenerationListener listener) {
        listener.progress(SAMPLING, 0, request.steps());
        SamplerName name = request.sampler().name();
        float[] sigmas = request.sampler().sigmas(schedule, request.steps());
        int[] shape = {
            request.batchSize(),
            LATENT_CHANNELS,
            request.height() / model.spatialFactor(),
            request.width() / model.spatialFactor()
        };
        BatchNoise noise = new BatchNoise(request.rng(), request.seed(), shape);
        FloatArray start = Latents.scale(noise.next(), (float) name.space().start(sigmas[0]));
        StepNoise stepNoise = name.has(SamplerTrait.BROWNIAN_NOISE)
                ? new BrownianNoise(request.rng(), request.seed(), sigmas, shape)
                : noise;
        FloatArray latents = name.sampler(request.samplerOptions(), stepNoise)
                .sample(denoiser, start, sigmas, (step, steps) -> listener.progress(SAMPLING, step, steps));
        return Latents.scale(latents, (float) name.space().end(sigmas[sigmas.length - 1]));
    }

    /** One image at a time: the decoder needs far more memory for its activations than the UNet. */
    private List<GeneratedImage> decode(FloatArray latents, GenerationRequest request, GenerationListener listener) {
        List<GeneratedImage> images = new ArrayList<>();
        listener.progress(DECODING, 0, request.batchSize());
        for (int i = 0; i < request.batchSize(); i++) {
            long seed = request.seed() + i;
            FloatArray latent = latents.rows(i, i + 1);
            requireFinite(latent, "UNet", seed);
            FloatArray decoded = model.decode(latent);
            requireFinite(decoded, "VAE decoder", seed);
            String infotext = Infotext.of(request, seed, label.get(), version).text();
            images.add(new GeneratedImage(RgbImage.of(decoded), seed, infotext));
            listener.progress(DECODING, i + 1, request.batchSize());
        }
        return images;
    }

    private void requireFinite(FloatArray values, String network, long seed) {
        for (float value : values.values()) {
            if (!Float.isFinite(value)) {
                throw new ArithmeticException("the %s of %s produced %s for the image with seed %d"
                        .formatted(network, label.get().name(), value, seed));
            }
        }
    }
}
