package dev.atelier.diffusion;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What to draw. Immutable: each setting has a method that reads it and one of the same name that gives a request with
 * another value, checked at once. The same request on the same model gives the same pictures.
 *
 * {@snippet :
 * GenerationRequest request = GenerationRequest.of("a fox")
 *         .negativePrompt("blurry")
 *         .sampler("Euler a")
 *         .steps(25)
 *         .size(512, 768)
 *         .seed(42);
 * }
 *
 * What is not set is as in AUTOMATIC1111's web page: 20 steps of DPM++ 2M Karras, CFG scale 7, one picture of 512 × 512,
 * and a random seed, drawn when the request is made. Every method throws {@link IllegalArgumentException} for a value
 * out of range; the message names the setting.
 */
public final class GenerationRequest implements Cloneable {
    /** Sides of pictures are multiples of this: a latent cell is 8 pixels wide and high. */
    public static final int SIZE_UNIT = 8;

    private static final int MIN_SIZE = 64;
    static final int MAX_SIZE = 4096;
    private static final int MAX_BATCH = 64;

    // AUTOMATIC1111 draws its random seeds from 0 to 4,294,967,293
    private static final long RANDOM_SEEDS = 4_294_967_294L;

    // assigned only by with(), to a copy that nobody else has seen
    private String prompt = "";
    private String negativePrompt = "";
    private int steps = 20;
    private SamplerChoice sampler = SamplerChoice.named("DPM++ 2M Karras");
    private SamplerOptions samplerOptions = SamplerOptions.DEFAULT;
    private double cfgScale = 7;
    private long seed = randomSeed();
    private int width = 512;
    private int height = 512;
    private int batchSize = 1;
    private int iterations = 1;
    private NoiseSource rng = NoiseSource.NV;
    private Variation variation = Variation.NONE;
    private @Nullable Size seedResizeFrom;
    private long noiseSeedDelta;
    private EmphasisMode emphasis = EmphasisMode.ORIGINAL;
    private int commaBacktrack = 20;
    private PromptPadding padding = PromptPadding.NONE;
    private int clipSkip = 1;
    private NoiseTable noiseTable = NoiseTable.TRAINED;
    private boolean oldTimelines;
    private @Nullable ImageToImage imageToImage;
    private @Nullable HiresFix hiresFix;
    private @Nullable SdUpscale sdUpscale;
    private @Nullable Outpainting outpainting;
    private boolean tiling;
    private boolean vaeTiling;
    private GuidanceOptions guidance = GuidanceOptions.DEFAULT;
    private Acceleration acceleration = Acceleration.NONE;
    private SdxlOptions sdxl = SdxlOptions.DEFAULT;
    private double imageCfgScale = 1.5;
    private double refinerSwitchAt = 0.8;
    private List<ControlUnit> controls = List.of();

    private GenerationRequest() {}

    /** A request with a random seed and default settings. */
    public static GenerationRequest of(String prompt) {
        return new GenerationRequest().prompt(prompt);
    }

    /** A seed for a request that names none. */
    public static long randomSeed() {
        return ThreadLocalRandom.current().nextLong(RANDOM_SEEDS);
    }

    private GenerationRequest with(Consumer<GenerationRequest> change) {
        try {
            GenerationRequest copy = (GenerationRequest) super.clone();
            change.accept(copy);
            if (copy.imageToImage != null && copy.imageToImage.images().size() > 1) {
                copy.batchSize = within(
                        "the number of pictures to start from",
                        copy.imageToImage.images().size(),
                        1,
                        MAX_BATCH);
            }
            if (copy.imageToImage != null && copy.hiresFix != null) {
                throw new IllegalArgumentException("a request has either imageToImage or hiresFix, not both");
            }
            return copy;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    public String prompt() {
        return prompt;
    }

    /** What to draw, in AUTOMATIC1111's grammar. */
    public GenerationRequest prompt(String value) {
        return with(copy -> copy.prompt = value);
    }

    public String negativePrompt() {
        return negativePrompt;
    }

    /** What to stay away from. */
    public GenerationRequest negativePrompt(String value) {
        return with(copy -> copy.negativePrompt = value);
    }

    public int steps() {
        return steps;
    }

    /** How many steps the sampler takes, 1 to 1000. */
    public GenerationRequest steps(int value) {
        return with(copy -> copy.steps = within("steps", value, 1, 1000));
    }

    public SamplerChoice sampler() {
        return sampler;
    }

    public GenerationRequest sampler(SamplerChoice value) {
        return with(copy -> copy.sampler = value);
    }

    /** A sampler with or without a scheduler behind its name, as {@link SamplerChoice#named(String)} reads it. */
    public GenerationRequest sampler(String name) {
        return sampler(SamplerChoice.named(name));
    }

    public SamplerOptions samplerOptions() {
        return samplerOptions;
    }

    /** Settings of the sampler. */
    public GenerationRequest samplerOptions(SamplerOptions value) {
        return with(copy -> copy.samplerOptions = value);
    }

    public double cfgScale() {
        return cfgScale;
    }

    /** How strongly the prompt guides, 0 to 100; 1 is no guidance and ignores the negative prompt. */
    public GenerationRequest cfgScale(double value) {
        return with(copy -> copy.cfgScale = within("cfgScale", value, 100));
    }

    public long seed() {
        return seed;
    }

    /** The seed of the first picture; picture i has seed + i. −1 has no special meaning here. */
    public GenerationRequest seed(long value) {
        return with(copy -> copy.seed = value);
    }

    public int width() {
        return width;
    }

    public int height() {
        return height;
    }

    /** The size in pixels: multiples of 8 from 64 to 4096. */
    public GenerationRequest size(int width, int height) {
        return with(copy -> {
            copy.width = side("width", width);
            copy.height = side("height", height);
        });
    }

    public int batchSize() {
        return batchSize;
    }

    /** How many pictures are drawn together, 1 to 64; where several are started from, always as many as those. */
    public GenerationRequest batchSize(int value) {
        return with(copy -> copy.batchSize = within("batchSize", value, 1, MAX_BATCH));
    }

    public int iterations() {
        return iterations;
    }

    /** How many batches are drawn one after the other, 1 to 1000; AUTOMATIC1111's "Batch count". */
    public GenerationRequest iterations(int value) {
        return with(copy -> copy.iterations = within("iterations", value, 1, 1000));
    }

    public NoiseSource rng() {
        return rng;
    }

    /** Which generator the noise comes from. */
    public GenerationRequest rng(NoiseSource value) {
        return with(copy -> copy.rng = value);
    }

    public Variation variation() {
        return variation;
    }

    /** Pictures that are like that of the seed, but not quite: all have the seed, and each a variation seed. */
    public GenerationRequest variation(Variation value) {
        return with(copy -> copy.variation = value);
    }

    public @Nullable Size seedResizeFrom() {
        return seedResizeFrom;
    }

    /** Takes the noise of a picture of another size, for a picture that is like it; null for its own noise. */
    public GenerationRequest seedResizeFrom(@Nullable Size value) {
        if (value != null) {
            side("seedResizeFrom", value.width());
            side("seedResizeFrom", value.height());
        }
        return with(copy -> copy.seedResizeFrom = value);
    }

    public long noiseSeedDelta() {
        return noiseSeedDelta;
    }

    /** AUTOMATIC1111's "Eta noise seed delta" (ENSD), for samplers that it applies to. */
    public GenerationRequest noiseSeedDelta(long value) {
        return with(copy -> copy.noiseSeedDelta = value);
    }

    public EmphasisMode emphasis() {
        return emphasis;
    }

    /** How weights in the prompts act. */
    public GenerationRequest emphasis(EmphasisMode value) {
        return with(copy -> copy.emphasis = value);
    }

    public int commaBacktrack() {
        return commaBacktrack;
    }

    /**
     * How many tokens, 0 to 74, may move on to the next window of 75 so that it begins behind a comma: AUTOMATIC1111's
     * "Prompt word wrap length limit".
     */
    public GenerationRequest commaBacktrack(int value) {
        return with(copy -> copy.commaBacktrack = within("commaBacktrack", value, 0, 74));
    }

    public PromptPadding padding() {
        return padding;
    }

    /** How prompts of unequal length become equally long. */
    public GenerationRequest padding(PromptPadding value) {
        return with(copy -> copy.padding = value);
    }

    public int clipSkip() {
        return clipSkip;
    }

    /** At which layer from the end the text encoder of SD 1.x stops, 1 to 12; 1 is the last. */
    public GenerationRequest clipSkip(int value) {
        return with(copy -> copy.clipSkip = within("clipSkip", value, 1, 12));
    }

    public NoiseTable noiseTable() {
        return noiseTable;
    }

    /** What becomes of the noise levels that the model was trained on. */
    public GenerationRequest noiseTable(NoiseTable value) {
        return with(copy -> copy.noiseTable = value);
    }

    public boolean oldTimelines() {
        return oldTimelines;
    }

    /** Whether prompt editing counts as in AUTOMATIC1111 before 1.6: its "Old prompt editing timelines". */
    public GenerationRequest oldTimelines(boolean value) {
        return with(copy -> copy.oldTimelines = value);
    }

    public @Nullable ImageToImage imageToImage() {
        return imageToImage;
    }

    /** A picture to start from; null to start from noise alone. It rules out {@link #hiresFix}. */
    public GenerationRequest imageToImage(@Nullable ImageToImage value) {
        return with(copy -> copy.imageToImage = value);
    }

    public List<ControlUnit> controls() {
        return controls;
    }

    /** Pictures by which ControlNets control what is drawn; they act together. */
    public GenerationRequest controls(List<ControlUnit> value) {
        return with(copy -> copy.controls = List.copyOf(value));
    }

    public @Nullable HiresFix hiresFix() {
        return hiresFix;
    }

    /** A second, larger pass; null for none. It rules out {@link #imageToImage}. */
    public GenerationRequest hiresFix(@Nullable HiresFix value) {
        return with(copy -> copy.hiresFix = value);
    }

    public @Nullable SdUpscale sdUpscale() {
        return sdUpscale;
    }

    /** Makes the picture to start from larger and draws it over in tiles of this request's size; null for not. */
    public GenerationRequest sdUpscale(@Nullable SdUpscale value) {
        return with(copy -> copy.sdUpscale = value);
    }

    public @Nullable Outpainting outpainting() {
        return outpainting;
    }

    /** Draws what lies beyond the edges of the picture to start from; null for not. */
    public GenerationRequest outpainting(@Nullable Outpainting value) {
        return with(copy -> copy.outpainting = value);
    }

    public GuidanceOptions guidance() {
        return guidance;
    }

    /** Where the negative prompt is left out to save time. */
    public GenerationRequest guidance(GuidanceOptions value) {
        return with(copy -> copy.guidance = value);
    }

    public Acceleration acceleration() {
        return acceleration;
    }

    /** Where the network may save work at the price of a picture that is a little different. */
    public GenerationRequest acceleration(Acceleration value) {
        return with(copy -> copy.acceleration = value);
    }

    public SdxlOptions sdxl() {
        return sdxl;
    }

    /** What SDXL is told besides; other models do not listen. */
    public GenerationRequest sdxl(SdxlOptions value) {
        return with(copy -> copy.sdxl = value);
    }

    public double imageCfgScale() {
        return imageCfgScale;
    }

    /** How strongly instruct-pix2pix models keep to the picture that they edit, 0 to 100. */
    public GenerationRequest imageCfgScale(double value) {
        return with(copy -> copy.imageCfgScale = within("imageCfgScale", value, 100));
    }

    public double refinerSwitchAt() {
        return refinerSwitchAt;
    }

    /** At which share of the way from noise to picture a refiner takes over, if there is one; 1 is never. */
    public GenerationRequest refinerSwitchAt(double value) {
        return with(copy -> copy.refinerSwitchAt = within("refinerSwitchAt", value, 1));
    }

    public boolean tiling() {
        return tiling;
    }

    /**
     * Draws a tile: pictures that can be laid side by side without a seam. AUTOMATIC1111's "Tiling". The VAE then sees
     * the whole picture, {@link #vaeTiling} or not.
     */
    public GenerationRequest tiling(boolean value) {
        return with(copy -> copy.tiling = value);
    }

    public boolean vaeTiling() {
        return vaeTiling;
    }

    /**
     * Whether the VAE sees large pictures in overlapping tiles of 512 pixels, which bounds its memory. Colours may differ
     * a little from tile to tile, since the VAE balances them over what it sees.
     */
    public GenerationRequest vaeTiling(boolean value) {
        return with(copy -> copy.vaeTiling = value);
    }

    static int within(String setting, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    "%s must be between %d and %d, but is %d".formatted(setting, min, max, value));
        }
        return value;
    }

    static double within(String setting, double value, double max) {
        if (!(value >= 0 && value <= max)) {
            throw new IllegalArgumentException("%s must be between 0 and %s, but is %s"
                    .formatted(setting, max == Math.rint(max) ? (Object) Math.round(max) : max, value));
        }
        return value;
    }

    private static int side(String setting, int pixels) {
        within(setting, pixels, MIN_SIZE, MAX_SIZE);
        if (pixels % SIZE_UNIT != 0) {
            throw new IllegalArgumentException(
                    "%s must be a multiple of %d pixels, but is %d".formatted(setting, SIZE_UNIT, pixels));
        }
        return pixels;
    }
}
