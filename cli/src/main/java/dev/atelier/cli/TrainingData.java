package dev.atelier.cli;

import dev.atelier.training.TrainingPlan;
import dev.atelier.training.data.CaptionRule;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a training learns from. */
final class TrainingData {
    @Option(
            names = "--data",
            paramLabel = "FOLDER",
            description =
                    "Pictures with captions: .txt or .caption files beside them, a metadata.jsonl, or kohya's folders"
                            + " like \"10_sks dog\".")
    private @Nullable Path folder;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "The caption of pictures that have none.")
    private String prompt = "";

    @Option(
            names = "--resolution",
            paramLabel = "SIZE",
            description = "In pixels: 512 or 512x768. Default: what the model was trained at.")
    private @Nullable String resolution;

    @Option(
            names = "--no-buckets",
            description = "Cut all pictures to the same size. Otherwise they keep about their proportions.")
    private boolean single;

    @Option(
            names = "--min-bucket",
            paramLabel = "PIXELS",
            description = "The shortest side of a picture. Default: half of --resolution.")
    private @Nullable Integer leastSide;

    @Option(
            names = "--max-bucket",
            paramLabel = "PIXELS",
            description = "The longest side of a picture. Default: twice --resolution.")
    private @Nullable Integer mostSide;

    @Option(
            names = "--bucket-step",
            paramLabel = "PIXELS",
            description = "What sides are multiples of. Default: 64, or an eighth of a smaller --resolution.")
    private @Nullable Integer bucketStep;

    @Option(names = "--no-upscale", description = "Leave small pictures as small as they are.")
    private boolean noUpscale;

    @Option(names = "--flip", description = "See pictures mirrored half of the time.")
    private boolean flip;

    @Option(
            names = "--crops",
            paramLabel = "N",
            description = "See N parts of each picture, cut at random. Default: the middle.")
    private int crops;

    @Option(
            names = "--masks",
            description =
                    "Learn only what is white in NAME.mask.png beside a picture, or what is opaque in the picture.")
    private boolean masks;

    @Option(names = "--caption-prefix", paramLabel = "TEXT", description = "Stands before every caption.")
    private String prefix = "";

    @Option(names = "--caption-suffix", paramLabel = "TEXT", description = "Stands behind every caption.")
    private String suffix = "";

    @Option(names = "--shuffle-captions", description = "Put what stands between commas in another order each time.")
    private boolean shuffle;

    @Option(
            names = "--keep-tokens",
            paramLabel = "N",
            description = "How many of the parts between commas stay in front.")
    private int keepTokens;

    @Option(
            names = "--tag-dropout",
            paramLabel = "SHARE",
            description = "How often a part between commas is left out. Default: 0.")
    private double tagDropout;

    @Option(
            names = "--caption-dropout",
            paramLabel = "SHARE",
            description = "How often a whole caption is left out. Default: 0.")
    private double captionDropout;

    @Option(
            names = "--class-prompt",
            paramLabel = "TEXT",
            description = "Prior preservation: what others of the subject's kind are called. Pictures of them are drawn"
                    + " first, and learnt beside the subject, so that the model keeps them.")
    private @Nullable String classPrompt;

    @Option(
            names = "--class-data",
            paramLabel = "FOLDER",
            description = "Where pictures of the kind lie, or will. Default: in the --state folder.")
    private @Nullable Path classFolder;

    @Option(
            names = "--class-images",
            paramLabel = "N",
            description = "How many pictures of the kind there have to be. Default: 100.")
    private int classImages = 100;

    @Option(
            names = "--prior-weight",
            paramLabel = "X",
            description = "How much they count against the subject's. Default: 1.")
    private double priorWeight = 1;

    @Option(
            names = "--validation",
            paramLabel = "FOLDER",
            description = "Pictures to measure on that are not trained on.")
    private @Nullable Path validation;

    /** @param size what the model was trained at, in pixels */
    TrainingPlan.Data data(int size, Path state) {
        if (folder == null) {
            throw new IllegalArgumentException("--data is missing: the folder of pictures to learn from");
        }
        int[] sides = sides(size);
        int side = (int) Math.sqrt((double) sides[0] * sides[1]);
        TrainingPlan.Prior prior = classPrompt == null
                ? null
                : new TrainingPlan.Prior(
                        classPrompt,
                        classFolder != null ? classFolder : state.resolve("class"),
                        classImages,
                        priorWeight);
        return new TrainingPlan.Data(
                folder,
                prompt,
                sides[0],
                sides[1],
                !single,
                leastSide != null ? leastSide : Math.min(side / 2, Math.min(sides[0], sides[1])),
                mostSide != null ? mostSide : Math.max(side * 2, Math.max(sides[0], sides[1])),
                bucketStep != null ? bucketStep : Math.clamp(side / 8, 8, 64) / 8 * 8,
                !noUpscale,
                flip,
                crops,
                masks,
                new CaptionRule(prefix, suffix, shuffle, keepTokens, tagDropout, captionDropout),
                prior,
                validation);
    }

    private int[] sides(int size) {
        if (resolution == null) {
            return new int[] {size, size};
        }
        String[] parts = resolution.strip().split("[x,×]", -1);
        try {
            int width = Integer.parseInt(parts[0].strip());
            int height = parts.length > 1 ? Integer.parseInt(parts[1].strip()) : width;
            if (parts.length <= 2 && width >= 64 && height >= 64 && width % 8 == 0 && height % 8 == 0) {
                return new int[] {width, height};
            }
        } catch (NumberFormatException _) {
            // falls through to the message
        }
        throw new IllegalArgumentException(
                "--resolution is one or two multiples of 8 from 64 on, such as 512 or 512x768, not \"%s\""
                        .formatted(resolution));
    }
}
