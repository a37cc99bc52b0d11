package dev.atelier.training;

import dev.atelier.training.data.Buckets;
import dev.atelier.training.data.CaptionRule;
import dev.atelier.training.setting.Section;
import dev.atelier.training.setting.Setting;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a training learns from; for the folder see {@link dev.atelier.training.data.PictureFolder}. */
@Section("What it learns from")
public record TrainingData(
        @Setting(
                value = "data",
                label = "FOLDER",
                help =
                        "Pictures with captions: .txt or .caption files beside them, a metadata.jsonl, or kohya's folders like"
                                + " \"10_sks dog\". Or a TOML or YAML file that names several folders, kohya's dataset_config.",
                also = {"instance_data_dir", "train_data_dir", "image_dir", "dataset_config"})
        Path folder,

        @Setting(
                value = "captions",
                label = "FILE",
                help =
                        "Take the pictures in --data that this file names, with their captions: kohya's metadata in JSON, or lines of"
                                + " JSON like those of metadata.jsonl.",
                also = {"in_json", "metadata_file"})
        @Nullable
        Path list,

        @Setting(
                value = "prompt",
                label = "TEXT",
                help = "The caption of pictures that have none.",
                also = {"instance_prompt", "class_tokens"})
        String caption,

        @Setting(
                value = "repeats",
                label = "N",
                help = "How often each picture is seen in an epoch, times what its folder says.",
                standard = "1",
                also = {"dataset_repeats", "num_repeats"})
        int repeats,

        @Setting(
                value = "resolution",
                label = "SIZE",
                help = "In pixels: 512 or 512x768. Default: what the model was trained at.")
        @Nullable
        String resolution,

        @Setting(
                value = "no-buckets",
                help = "Cut all pictures to the same size. Otherwise they keep about their proportions.")
        boolean single,

        @Setting(
                value = "min-bucket",
                label = "PIXELS",
                help = "The shortest side of a picture. Default: half of --resolution.",
                also = "min_bucket_reso")
        @Nullable
        Integer leastSide,

        @Setting(
                value = "max-bucket",
                label = "PIXELS",
                help = "The longest side of a picture. Default: twice --resolution.",
                also = "max_bucket_reso")
        @Nullable
        Integer mostSide,

        @Setting(
                value = "bucket-step",
                label = "PIXELS",
                help = "What sides are multiples of. Default: 64, or an eighth of a smaller --resolution.",
                also = "bucket_reso_steps")
        @Nullable
        Integer bucketStep,

        @Setting(value = "no-upscale", help = "Leave small pictures as small as they are.", also = "bucket_no_upscale")
        boolean noUpscale,

        @Setting(
                value = "flip",
                help = "See pictures mirrored half of the time.",
                also = {"flip_aug", "random_flip"})
        boolean mirror,

        @Setting(
                value = "crops",
                label = "N",
                help = "See N parts of each picture, cut at random. 0 is the middle.",
                standard = "0",
                also = "random_crop=4")
        int crops,

        @Setting(
                value = "masks",
                help = "Learn only what is white in NAME.mask.png beside a picture, or what is opaque in the picture.",
                also = {"masked_loss", "alpha_mask"})
        boolean masks,

        CaptionRule rule,
        Prior prior,

        @Setting(value = "validation", label = "FOLDER", help = "Pictures to measure on that are not trained on.")
        @Nullable
        Path validation,

        @Setting(
                value = "validation-split",
                label = "SHARE",
                help = "Keep a share of the pictures, chosen by --seed, for that.",
                standard = "0",
                also = "validation_split")
        double validationSplit) {

    private static final int MOST_STEP = 64; // kohya's

    public TrainingData {
        if (resolution != null) {
            size(resolution); // or it is refused now, and not when the model is open
        }
        if (!(validationSplit >= 0 && validationSplit < 1) || repeats < 1) {
            throw new IllegalArgumentException(
                    "--validation-split is a share of the pictures, below 1, and --repeats at least 1, not %s and %d"
                            .formatted(validationSplit, repeats));
        }
    }

    /**
     * Prior preservation (Ruiz et al. 2022, "DreamBooth"): beside every batch the model sees one of pictures of the class, which it
     * has drawn itself before, so that it does not forget what others of the kind look like.
     */
    public record Prior(
            @Setting(
                    value = "class-prompt",
                    label = "TEXT",
                    help =
                            "Prior preservation: what others of the subject's kind are called. Pictures of them are drawn first, and"
                                    + " learnt beside the subject, so that the model keeps them.",
                    also = "class_prompt")
            @Nullable
            String wanted,

            @Setting(
                    value = "class-data",
                    label = "FOLDER",
                    help = "Where pictures of the kind lie, or will. Default: in the --state folder.",
                    also = {"class_data_dir", "reg_data_dir"})
            @Nullable
            Path folder,

            @Setting(
                    value = "class-images",
                    label = "N",
                    help = "How many pictures of the kind there have to be.",
                    standard = "100",
                    also = "num_class_images")
            int count,

            @Setting(
                    value = "prior-weight",
                    label = "X",
                    help = "How much they count against the subject's.",
                    standard = "1",
                    also = "prior_loss_weight")
            double weight) {
        /** Whether pictures of a class are learnt as well. */
        boolean isWanted() {
            return wanted != null;
        }

        /** What pictures of the class are drawn from, and their caption if they have none. */
        String prompt() {
            return Objects.requireNonNull(wanted);
        }
    }

    /** A width and a height in pixels. */
    record Size(int width, int height) {}

    /**
     * What pictures are cut to; with buckets only the area counts.
     *
     * @param usual the side if nothing is said
     */
    Size size(int usual) {
        return resolution == null ? new Size(usual, usual) : size(resolution);
    }

    private static Size size(String resolution) {
        String[] parts = resolution.strip().split("[x,×]", -1);
        try {
            int width = Integer.parseInt(parts[0].strip());
            int height = parts.length > 1 ? Integer.parseInt(parts[1].strip()) : width;
            if (parts.length <= 2 && width >= 64 && height >= 64 && width % 8 == 0 && height % 8 == 0) {
                return new Size(width, height);
            }
        } catch (NumberFormatException _) {
            // falls through to the message
        }
        throw new IllegalArgumentException(
                "--resolution is one or two multiples of 8 from 64 on, such as 512 or 512x768, not \"%s\""
                        .formatted(resolution));
    }

    /** The sizes that pictures are trained at. */
    Buckets buckets(int usual) {
        Size size = size(usual);
        if (single) {
            return Buckets.single(size.width, size.height);
        }
        int side = (int) Math.sqrt((double) size.width * size.height);
        int step = bucketStep != null ? bucketStep : Math.clamp(side / 8, 8, MOST_STEP) / 8 * 8;
        if (noUpscale) {
            return Buckets.withoutEnlarging(size.width, size.height, step);
        }
        int least = leastSide != null ? leastSide : Math.min(side / 2, Math.min(size.width, size.height));
        int most = mostSide != null ? mostSide : Math.max(side * 2, Math.max(size.width, size.height));
        return Buckets.of(size.width, size.height, least, most, step);
    }
}
